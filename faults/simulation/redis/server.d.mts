/** The stored metadata of a log. */
export interface Meta {
  readonly epoch: string
  readonly head: number
  readonly term: string
  readonly past: readonly { readonly epoch: string, readonly bound: number, readonly ok: boolean }[]
  readonly from: number
}

/** The stored register of the instances. */
export interface Register {
  readonly layout?: string
  readonly term?: string
  readonly chain?: readonly string[]
  readonly terms?: readonly string[]
  readonly open?: string
  readonly flag?: string
  readonly deleted?: string
  readonly size?: string
  readonly departed?: readonly string[]
  readonly instances: Readonly<Record<string, { readonly compared: string, readonly since: string, readonly safe: string }>>
}

export class Server {
  role: 'master' | 'replica'
  replid: string
  onAnnounce: (type: string, name: string, text: string) => void
  constructor (clock: () => number, replid: string)
  get term (): string
  /** Runs a command; throws for an error. */
  execute (name: string, args: readonly (string | number)[]): unknown
  get (key: string): unknown
}
