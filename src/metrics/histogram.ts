/** Upper bounds of durations in seconds: from a message in memory to one on a slow network. */
export const SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
]

/** Counts values by upper bounds. A value costs a few comparisons and nothing is allocated. */
export class Histogram {
  readonly #counts: number[]
  #sum = 0

  constructor (readonly bounds = SECONDS) {
    this.#counts = Array<number>(bounds.length + 1).fill(0)
  }

  /** Counts a value so many times. */
  observe (value: number, times = 1): void {
    let index = 0
    while (index < this.bounds.length && value > (this.bounds[index] as number)) index++
    this.#counts[index] = (this.#counts[index] as number) + times
    this.#sum += value * times
  }

  get sum (): number {
    return this.#sum
  }

  get count (): number {
    return this.#counts.reduce((total, count) => total + count)
  }

  /** For each bound the number of values up to it; the last is that of all values. */
  cumulative (): number[] {
    let total = 0
    return this.#counts.map((count) => total += count)
  }
}
