import type { Test } from 'tap'

interface Timer {
  readonly at: number
  readonly run: () => void
  unref (): Timer
}

/** Stands in for `Date.now`, `setTimeout` and `clearTimeout` until the end of the test; time passes when the test says so. */
export class FakeClock {
  /** The time of the wall clock; a test may set it forward or back. */
  now: number
  /** Milliseconds that have passed, regardless of the wall clock. */
  #passed = 0
  readonly #timers = new Set<Timer>()

  constructor (t: Test, now = 1_000_000_000_000) {
    this.now = now
    t.intercept(Date, 'now', { value: () => this.now })
    t.intercept(globalThis, 'clearTimeout', { value: (timer: Timer) => { this.#timers.delete(timer) } })
    t.intercept(globalThis, 'setTimeout', {
      value: (run: () => void, ms: number) => {
        const timer: Timer = { at: this.#passed + ms, run, unref: () => timer }
        this.#timers.add(timer)
        return timer
      }
    })
  }

  /** Number of timers that wait. */
  get timers (): number {
    return this.#timers.size
  }

  /** Advances the time; the timers that are due run in their order. */
  pass (ms: number): void {
    const end = this.#passed + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next)
      this.#move(next.at)
      next.run()
    }
    this.#move(end)
  }

  #next (end: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  }

  #move (to: number): void {
    this.now += to - this.#passed
    this.#passed = to
  }
}
