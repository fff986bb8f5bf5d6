/** Seconds over which the rate is taken. */
const SECONDS = 5
/** Milliseconds after which what comes is no history any more, but for one that comes late. */
const HISTORY_MS = 1_500
/** Maximum number of arrivals that are kept. The rate is not read while the page is hidden. */
const MAX_ARRIVALS = 10_000

/** How many messages came a second, of late. */
export class Meter {
  readonly #arrivals: number[] = []

  /** `since`: when it began to count, in milliseconds of `performance.now()`. */
  constructor (readonly since: number) {}

  count (now: number): void {
    if (now - this.since < HISTORY_MS) return
    this.#arrivals.push(now)
    if (this.#arrivals.length > MAX_ARRIVALS) this.#arrivals.splice(0, MAX_ARRIVALS / 2)
  }

  rate (now: number): number {
    const from = now - SECONDS * 1_000
    while ((this.#arrivals[0] ?? Infinity) < from) this.#arrivals.shift()
    return this.#arrivals.length / SECONDS
  }
}
