import type { Subscriber } from './subscriber.js'

const SLOTS = 16

/**
 * Calls `beat()` of every subscriber once per interval with one timer for all of them. The subscribers are spread over
 * slots, so that the work of a beat is spread over the interval.
 */
export class Heartbeat {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Subscriber>())
  readonly #timer: NodeJS.Timeout
  #slot = 0
  #joined = 0

  /** @param intervalMs milliseconds between two beats of a subscriber. */
  constructor (intervalMs: number) {
    this.#timer = setInterval(() => { this.#tick() }, intervalMs / SLOTS).unref()
  }

  add (subscriber: Subscriber): void {
    subscriber.slot = this.#joined++ % SLOTS
    this.#slots[subscriber.slot]?.add(subscriber)
  }

  delete (subscriber: Subscriber): void {
    this.#slots[subscriber.slot]?.delete(subscriber)
  }

  stop (): void {
    clearInterval(this.#timer)
  }

  #tick (): void {
    this.#slot = (this.#slot + 1) % SLOTS
    for (const subscriber of this.#slots[this.#slot] as Set<Subscriber>) subscriber.beat()
  }
}
