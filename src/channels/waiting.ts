import type { Backlog } from './replay.js'
import type { Subscriber } from './subscriber.js'

/** Between two checks whether the engine is back; the other times are multiples of it. */
const TICK_MS = 100
/** Between two signs of life. The browser client gives a new connection 10 seconds to say something. */
const SIGNAL_TICKS = 30
/** Until the first sign, which is not earlier: the client takes a connection on which something arrives for one that lasts. */
const FIRST_SIGNAL_TICKS = 20
/** The signs of subscribers that arrived at once are spread over so many ticks. */
const SPREAD_TICKS = 20

interface Entry {
  readonly backlog: Backlog
  /** Whether a new attempt is under way. */
  trying: boolean
  /** The tick of its next sign of life. */
  signalAt: number
}

/** Dependencies of {@link Waiting}. */
export interface WaitingPorts {
  /** Whether an attempt can succeed. */
  possible (): boolean
  /** Makes an attempt. Afterwards the subscriber is deleted where it was served or left, and added again where it has to wait on. */
  resume (subscriber: Subscriber, backlog: Backlog): void
}

/**
 * The subscribers that wait for the engine, each with its backlog. They get signs of life until they are served.
 * Nothing else refers to a waiting subscriber, so that `delete` releases one that leaves.
 */
export class Waiting {
  readonly #entries = new Map<Subscriber, Entry>()
  readonly #ports: WaitingPorts
  #timer: NodeJS.Timeout | undefined
  #ticks = 0

  constructor (ports: WaitingPorts) {
    this.#ports = ports
  }

  /** Whether a subscriber waits and no attempt for it is under way. */
  has (subscriber: Subscriber): boolean {
    return this.#entries.get(subscriber)?.trying === false
  }

  add (subscriber: Subscriber, backlog: Backlog): void {
    const signalAt = this.#entries.get(subscriber)?.signalAt ?? this.#ticks + FIRST_SIGNAL_TICKS + this.#entries.size % SPREAD_TICKS
    this.#entries.set(subscriber, { backlog, trying: false, signalAt })
    this.#timer ??= setInterval(() => { this.#tick() }, TICK_MS).unref()
  }

  delete (subscriber: Subscriber): void {
    if (!this.#entries.delete(subscriber) || this.#entries.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick (): void {
    this.#ticks++
    const possible = this.#ports.possible()
    for (const [subscriber, entry] of this.#entries) {
      if (this.#ticks >= entry.signalAt) {
        entry.signalAt += SIGNAL_TICKS
        subscriber.signal()
      }
      if (entry.trying || !possible) continue
      entry.trying = true
      this.#ports.resume(subscriber, entry.backlog)
    }
  }
}
