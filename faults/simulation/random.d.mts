export class Random {
  constructor (...seed: readonly number[])
  next (): number
  integer (minimum: number, maximum: number): number
  chance (probability: number): boolean
  pick<T> (list: readonly T[]): T
  time (minimum: number, maximum: number): number
  weighted<K extends string> (weights: Record<K, number>): K
}
