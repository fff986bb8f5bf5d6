const BUCKETS_PER_MS = 100
const MAX_MS = 10_000

/** Counts durations in buckets of 10 µs up to 10 s: one array access a sample, so that a million a second can be taken. */
export class Histogram {
  #buckets = new Uint32Array(BUCKETS_PER_MS * MAX_MS + 1)
  #count = 0

  add (ms) {
    this.#buckets[ms < MAX_MS ? (ms * BUCKETS_PER_MS) | 0 : BUCKETS_PER_MS * MAX_MS]++
    this.#count++
  }

  /** The duration in ms that `fraction` of the samples do not exceed, to 10 µs. */
  percentile (fraction) {
    let left = Math.ceil(this.#count * fraction)
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket]
      if (left <= 0) return (bucket + 1) / BUCKETS_PER_MS
    }
    return NaN
  }
}
