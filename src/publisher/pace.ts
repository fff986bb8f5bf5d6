/** When the next request may begin. */
export class Pace {
  readonly #maxRequests: number
  readonly #onFree: () => void
  #requests = 0
  /** Requests in a row that failed as a whole. */
  #failures = 0
  #pausedUntil = 0
  #scheduled = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param onFree called when requests may begin: after the tick that asked for it, or after a pause */
  constructor (maxRequests: number, onFree: () => void) {
    this.#maxRequests = maxRequests
    this.#onFree = onFree
  }

  get paused (): boolean {
    return performance.now() < this.#pausedUntil
  }

  /** Whether a request may begin. After a failure there is one at a time, until one is answered. */
  get free (): boolean {
    return !this.paused && this.#requests < (this.#failures > 0 ? 1 : this.#maxRequests)
  }

  /** Calls `onFree` once after this tick, so that one request takes what the tick publishes. */
  soon (): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // A timer costs a millisecond in Node.js; not every other platform has an alternative.
    const { setImmediate: afterThisTick = setTimeout } = globalThis as { setImmediate?: (callback: () => void) => unknown }
    afterThisTick(() => {
      this.#scheduled = false
      this.#onFree()
    })
  }

  began (): void {
    this.#requests++
  }

  ended (): void {
    this.#requests--
  }

  answered (): void {
    this.#failures = 0
  }

  /** Begins no request for a time, because the service could not be reached or asked for it. */
  pause (delayMs: number): void {
    this.#failures++
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + delayMs)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      // Timers are up to a millisecond early.
      this.#pausedUntil = 0
      this.#onFree()
    }, this.#pausedUntil - performance.now())
  }

  stop (): void {
    clearTimeout(this.#timer)
  }
}
