import type { Backlog } from './replay.js'
import type { Subscriber } from './subscriber.js'

/** Between two checks whether the engine is back; the other times are multiples of it. */
const TICK_MS = 100
/** Between two heartbeats. The browser client ends a new connection after 10 seconds of silence. */
const SIGNAL_TICKS = 30
/** Until the first heartbeat, which is not earlier: the client assumes that a connection with data is a lasting one. */
const FIRST_SIGNAL_TICKS = 20
/** Ticks over which the heartbeats of subscribers that arrived at once are spread. */
const SPREAD_TICKS = 20

interface Entry {
  readonly backlog: Backlog
  /** Whether a new attempt is in progress. */
  trying: boolean
  /** The tick of the next heartbeat. */
  signalAt: number
}

/** Dependencies of {@link Waiting}. */
export interface WaitingPorts {
  /** Whether an attempt can succeed. */
  possible (): boolean
  /** Makes an attempt. Afterwards the subscriber is deleted where it was served or has left, and added again where it still has to wait. */
  resume (subscriber: Subscriber, backlog: Backlog): void
}

/**
 * The subscribers that wait for the engine, each with its backlog. They receive heartbeats until they are served.
 * Nothing else references a waiting subscriber, so that `delete` releases one that leaves.
 */
export class Waiting {
  readonly #entries = new Map<Subscriber, Entry>()
  readonly #ports: WaitingPorts
  #timer: NodeJS.Timeout | undefined
  #ticks = 0

  constructor (ports: WaitingPorts) {
    this.#ports = ports
  }

  /** Whether a subscriber waits and no attempt for it is in progress. */
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
