import type { LimitName } from './limit-counters.js'

const MINUTE_MS = 60_000

interface Row {
  /** The time of the last report. */
  at: number
  /** Hits since then. */
  hits: number
}

/** Reports the limits that are hit: each at once, and then at most once a minute. */
export class LimitLog {
  readonly #rows = new Map<LimitName, Row>()
  readonly #report: (limit: LimitName, hits: number) => void
  readonly #now: () => number

  /**
   * @param report called with a limit and the number of its hits since the last report
   * @param now milliseconds of a monotonic clock
   */
  constructor (report: (limit: LimitName, hits: number) => void, now: () => number = () => performance.now()) {
    this.#report = report
    this.#now = now
  }

  /** Takes a hit. Without a later one, those that follow a report are counted in `LimitCounters` alone. */
  hit (limit: LimitName): void {
    const now = this.#now()
    let row = this.#rows.get(limit)
    if (row === undefined) this.#rows.set(limit, row = { at: -Infinity, hits: 0 })
    row.hits++
    if (now - row.at < MINUTE_MS) return
    this.#report(limit, row.hits)
    row.at = now
    row.hits = 0
  }
}
