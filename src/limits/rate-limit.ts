import { ownText } from '../wire/text.js'

/** Number of keys above which idle ones are removed. */
const SWEEP_SIZE = 10_000
const SECOND_MS = 1_000

interface Bucket {
  /** The remaining amount; below 0 when the last call took more than that. */
  left: number
  /** The time of `left`. */
  at: number
}

/**
 * A rate limit by key, as a token bucket. Synchronous, so that a publish is not delayed until its body has to be buffered, and
 * weighted, so that a batch counts by its messages.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()
  readonly #capacity: number
  readonly #perMs: number
  readonly #now: () => number
  #sweepSize = SWEEP_SIZE

  /**
   * @param capacity the amount that a key may take at once, and again in each `windowMs`
   * @param now milliseconds of a monotonic clock
   */
  constructor (capacity: number, windowMs: number, now: () => number = () => performance.now()) {
    this.#capacity = capacity
    this.#perMs = capacity / windowMs
    this.#now = now
  }

  /** Number of keys. */
  get size (): number {
    return this.#buckets.size
  }

  /** Takes `amount` where at least 1 is left, the rest on credit. Returns 0, or the whole seconds to wait. */
  take (key: string, amount = 1): number {
    const bucket = this.#fill(key)
    if (bucket.left < 1) return this.#waitOf(bucket)
    bucket.left -= amount
    return 0
  }

  /** The result of {@link take} without its effect. Nearly free while no key is limited. */
  wait (key: string): number {
    if (!this.#buckets.has(key)) return 0
    const bucket = this.#fill(key)
    return bucket.left < 1 ? this.#waitOf(bucket) : 0
  }

  #fill (key: string): Bucket {
    const now = this.#now()
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepSize) this.#sweep(now)
      this.#buckets.set(ownText(key), bucket = { left: this.#capacity, at: now })
    } else {
      bucket.left = this.#leftAt(bucket, now)
      bucket.at = now
    }
    return bucket
  }

  #leftAt ({ left, at }: Bucket, now: number): number {
    return Math.min(this.#capacity, left + (now - at) * this.#perMs)
  }

  #waitOf ({ left }: Bucket): number {
    return Math.max(1, Math.ceil((1 - left) / this.#perMs / SECOND_MS))
  }

  /** Removes keys whose bucket is full again, as if they were new. */
  #sweep (now: number): void {
    for (const [key, bucket] of this.#buckets) if (this.#leftAt(bucket, now) >= this.#capacity) this.#buckets.delete(key)
    this.#sweepSize = Math.max(SWEEP_SIZE, 2 * this.#buckets.size)
  }
}
