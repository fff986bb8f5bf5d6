/** The observations; see attack.mjs. */
export interface Seen {
  readonly rounds?: Record<string, number>
  readonly peakMb?: number
}
export interface AttackOptions {
  readonly seconds: number
  readonly heapMb: number
  readonly lanes: number
  readonly subscribers: number
  readonly restSeconds: number
  readonly warmUpSeconds: number
}
export function attack (options: AttackOptions): Promise<Seen>
export function faultsOf (seen: Seen, bounds: { maxRssMb: number, maxP99Ms: number, growth: number }): string[]
