import { setTimeout as delay } from 'node:timers/promises'
import type { Link } from './link.js'
import { backoff, type Timings } from './timings.js'

/** How the client of a cluster begins what it says while it does not know the node to subscribe at. */
const NO_SUBSCRIBER = 'No sharded subscriber'

/** What the server sends to this node: the announcements of some channels. */
export class Subscriptions {
  readonly #link: Link
  readonly #nameOf: (channel: string) => string
  readonly #timings: Timings
  /** Since when a cluster's client has subscribed to nothing. */
  #idleSince: number | undefined

  constructor (link: Link, nameOf: (channel: string) => string, timings: Timings) {
    this.#link = link
    this.#nameOf = nameOf
    this.#timings = timings
  }

  /** Resolves when what is announced from now on is sent. */
  async subscribe (channel: string): Promise<void> {
    try {
      await this.#link.client.ssubscribe(this.#nameOf(channel))
      this.#idleSince = undefined
    } catch (error) {
      if ((error as Error).message.startsWith(NO_SUBSCRIBER)) this.#idle()
      throw error
    }
  }

  /**
   * The same, but tries for as long as a command may take, while it is `wanted`: a cluster's client is ready before it knows
   * whom to subscribe at, and does not know it for a moment after each change of masters.
   */
  async insist (channel: string, wanted: () => boolean): Promise<void> {
    const deadline = performance.now() + this.#timings.commandMs
    let subscribed = false
    for (let failures = 1; !subscribed; failures++) {
      try {
        await this.subscribe(channel)
        subscribed = true
      } catch (error) {
        if (performance.now() > deadline) throw error
        await delay(backoff(failures, this.#timings.maxBackoffMs), undefined, { ref: false })
        if (!wanted()) throw error
      }
    }
  }

  /** Has the client replaced that may never know one (see Link.reconnect). */
  #idle (): void {
    const now = performance.now()
    this.#idleSince ??= now
    if (now - this.#idleSince < this.#timings.commandMs / 2) return
    this.#idleSince = undefined
    this.#link.reconnect()
  }

  /** Ends one. The server takes this and a later `subscribe` in the order in which they were sent. */
  unsubscribe (channel: string): void {
    // A connection that is lost takes its subscriptions along.
    if (!this.#link.ready) return
    try {
      this.#link.client.sunsubscribe(this.#nameOf(channel)).catch(() => {})
    /* c8 ignore start */
    } catch {
      // A cluster's client throws while it does not know who serves the channel; the next message ends the subscription then.
    }
    /* c8 ignore stop */
  }
}
