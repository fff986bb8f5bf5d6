import type { Names } from '../names.js'
import type { Link } from './link.js'
import { rejectionOf } from './refusal.js'
import type { Timings } from './timings.js'

/** The prefix of the error of a cluster's client that knows no Redis node for the channel. */
const NO_SUBSCRIBER = 'No sharded subscriber'

/** The sharded subscriptions of this instance: one for each channel that it listens to. */
export class Subscriptions {
  readonly #link: Link
  readonly #names: Names
  readonly #timings: Timings
  /** The time since which a cluster's client knows no Redis node to subscribe at. */
  #lostSince: number | undefined

  constructor (link: Link, names: Names, timings: Timings) {
    this.#link = link
    this.#names = names
    this.#timings = timings
  }

  /** Resolves when notifications that are published from now on are sent. */
  async subscribe (channel: string): Promise<void> {
    const refusal = await rejectionOf(this.#link.client.ssubscribe(this.#names.live(channel)))
    if (refusal === undefined) { this.#lostSince = undefined; return }
    if ((refusal as Error).message.startsWith(NO_SUBSCRIBER)) this.#replace()
    throw refusal as Error
  }

  /** Ends a subscription. The server processes this and a later `subscribe` in the order in which they were sent. */
  unsubscribe (channel: string): void {
    // The subscriptions of a connection end with it.
    if (!this.#link.ready) return
    try {
      this.#link.client.sunsubscribe(this.#names.live(channel)).catch(() => {})
    /* c8 ignore start */
    } catch {
      // A cluster's client throws while it knows no Redis node for the channel; the next message then ends the subscription.
    }
    /* c8 ignore stop */
  }

  /** Replaces a client that has known no Redis node for so long that it may never know one (see Link.reconnect). */
  #replace (): void {
    const now = performance.now()
    this.#lostSince ??= now
    if (now - this.#lostSince < this.#timings.commandMs / 2) return
    this.#lostSince = undefined
    this.#link.reconnect()
  }
}
