/** How far back the charts reach, in milliseconds. */
export const SPAN_MS = 5 * 60_000
/** Milliseconds over which a quantile is taken: a single interval may have had no message. */
const WINDOW_MS = 15_000

/** A value at a time, in milliseconds of `performance.now()`; undefined where nothing is known. */
export interface Point {
  at: number
  value: number | undefined
}

type Buckets = ReadonlyArray<readonly [bound: number, count: number]>

/** The values of the last minutes, oldest first. */
export class Series {
  readonly points: Point[] = []

  add (at: number, value: number | undefined): void {
    this.points.push({ at, value })
    while ((this.points[0] as Point).at < at - SPAN_MS) this.points.shift()
  }
}

/** Turns a counter into what was added a second. A counter that goes back was begun anew, by a restart. */
export class Rate {
  #last: { at: number, value: number } | undefined

  /** Undefined for the first value, and where there is none. */
  next (at: number, value: number | undefined): number | undefined {
    const last = this.#last
    this.#last = value === undefined ? undefined : { at, value }
    if (last === undefined || value === undefined || at <= last.at) return undefined
    return (value < last.value ? value : value - last.value) / (at - last.at) * 1_000
  }
}

/** Quantiles of what a histogram counted of late. */
export class Quantiles {
  readonly #taken: Array<{ at: number, buckets: Buckets }> = []

  add (at: number, buckets: Buckets): void {
    const before = this.#taken.at(-1)
    if (before !== undefined && total(buckets) < total(before.buckets)) this.#taken.length = 0
    this.#taken.push({ at, buckets })
    while (this.#taken.length > 2 && (this.#taken[1] as { at: number }).at <= at - WINDOW_MS) this.#taken.shift()
  }

  /** Interpolated within its bucket; undefined where nothing was counted. */
  get (quantile: number): number | undefined {
    const [first] = this.#taken
    const last = this.#taken.at(-1)
    if (first === undefined || last === undefined || first === last) return undefined
    const before = new Map(first.buckets)
    const counts = last.buckets.map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
    const rank = quantile * total(counts)
    if (rank === 0) return undefined
    let [lower, below] = [0, 0]
    for (const [bound, count] of counts) {
      // Beyond the last bound nothing is known but that.
      if (count >= rank) return bound === Infinity ? lower : lower + (bound - lower) * (rank - below) / (count - below)
      lower = bound
      below = count
    }
    return lower
  }
}

function total (buckets: Buckets): number {
  return buckets.at(-1)?.[1] ?? 0
}
