import { ownText } from '../wire/text.js'

/** Keys that are remembered before those that are at rest are looked for. */
const SWEEP_SIZE = 10_000
const SECOND_MS = 1_000

interface Bucket {
  /** What is left; below 0 when the last one took more than there was. */
  left: number
  /** When it was filled up to `left`. */
  at: number
}

/**
 * A limit on what each key takes in a time, as a bucket that fills up evenly. Synchronous, so that a publish is not put off until its
 * body has to be buffered, and by weight, so that a batch counts as what it holds.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()
  readonly #capacity: number
  readonly #perMs: number
  readonly #now: () => number
  #sweepSize = SWEEP_SIZE

  /**
   * @param capacity what a key may take at once, and again in each `windowMs`
   * @param now milliseconds of a clock that never goes back
   */
  constructor (capacity: number, windowMs: number, now: () => number = () => performance.now()) {
    this.#capacity = capacity
    this.#perMs = capacity / windowMs
    this.#now = now
  }

  /** Number of keys remembered. */
  get size (): number {
    return this.#buckets.size
  }

  /** Takes `amount` where one is left, more than that if need be on credit. Returns 0, or the whole seconds to wait. */
  take (key: string, amount = 1): number {
    const bucket = this.#fill(key)
    if (bucket.left < 1) return this.#waitOf(bucket)
    bucket.left -= amount
    return 0
  }

  /** What {@link take} would return, without taking anything. Costs next to nothing while nobody is limited. */
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

  /** Forgets keys whose bucket is full again: they are like new ones. */
  #sweep (now: number): void {
    for (const [key, bucket] of this.#buckets) if (this.#leftAt(bucket, now) >= this.#capacity) this.#buckets.delete(key)
    this.#sweepSize = Math.max(SWEEP_SIZE, 2 * this.#buckets.size)
  }
}
