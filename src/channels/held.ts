import type { Backlog } from './replay.js'
import type { Subscriber } from './subscriber.js'

/** Between two questions whether the engine is back; what follows is counted in these. */
const TICK_MS = 100
/** Between two signs of life. The browser client gives a new connection 10 seconds to say something. */
const SIGNAL_TICKS = 30
/** Until the first one, which is not earlier: the client takes a connection that says something for one that lasts. */
const FIRST_SIGNAL_TICKS = 20
/** Over so many ticks the signs to those are spread who came at once. */
const SPREAD_TICKS = 20

interface Waiting {
  readonly backlog: Backlog
  /** Whether it is being tried again. */
  trying: boolean
  /** The tick of its next sign of life. */
  signalAt: number
}

/** What this works with. */
export interface HeldPorts {
  /** Whether there is any point in trying again. */
  possible (): boolean
  /** Tries again. Whoever is served or gone is to be deleted, whoever has to wait still to be added again. */
  resume (subscriber: Subscriber, backlog: Backlog): void
}

/**
 * The subscribers that wait for the engine, each with what it is to be given then. They hear signs of life until they are served.
 * Nothing else refers to those who wait, so that `delete` lets go of one that leaves.
 */
export class Held {
  readonly #held = new Map<Subscriber, Waiting>()
  readonly #ports: HeldPorts
  #timer: NodeJS.Timeout | undefined
  #ticks = 0

  constructor (ports: HeldPorts) {
    this.#ports = ports
  }

  /** Whether a subscriber waits and is not being tried again. */
  waits (subscriber: Subscriber): boolean {
    return this.#held.get(subscriber)?.trying === false
  }

  add (subscriber: Subscriber, backlog: Backlog): void {
    const signalAt = this.#held.get(subscriber)?.signalAt ?? this.#ticks + FIRST_SIGNAL_TICKS + this.#held.size % SPREAD_TICKS
    this.#held.set(subscriber, { backlog, trying: false, signalAt })
    this.#timer ??= setInterval(() => { this.#tick() }, TICK_MS).unref()
  }

  delete (subscriber: Subscriber): void {
    if (!this.#held.delete(subscriber) || this.#held.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick (): void {
    this.#ticks++
    const possible = this.#ports.possible()
    for (const [subscriber, waiting] of this.#held) {
      if (this.#ticks >= waiting.signalAt) {
        waiting.signalAt += SIGNAL_TICKS
        subscriber.signal()
      }
      if (waiting.trying || !possible) continue
      waiting.trying = true
      this.#ports.resume(subscriber, waiting.backlog)
    }
  }
}
