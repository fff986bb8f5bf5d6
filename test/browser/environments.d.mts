/** A site whose page uses the client in every place and way at once. */
export interface Environments {
  readonly url: string
  readonly names: readonly string[]
  /** Resolves with what those say that did not receive the marker, by their names. */
  readonly received: Promise<Record<string, string>>
  close (): void
}

export function startEnvironments (service: string, timeoutMs: number): Promise<Environments>
