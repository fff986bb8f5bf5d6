import type { LimitName } from '../limits/limit-counters.js'
import type { Hub } from './hub.js'
import type { BatchEntry, BatchResult, Publication, PublicationOptions, Publisher } from './publisher.js'

/** The hub and the publisher of a registry, which hosts do not see. */
let hubOf: (registry: ChannelRegistry) => Hub
let publisherOf: (registry: ChannelRegistry) => Publisher

/**
 * The channels of an app, as `app.channels`.
 *
 * Iterating it yields the names of the channels that have subscribers on this instance.
 */
export class ChannelRegistry implements Iterable<string> {
  static {
    hubOf = (registry) => registry.#hub
    publisherOf = (registry) => registry.#publisher
  }

  /** The limits of this messenger, by the names of their options. */
  readonly limits: {
    /** The number of hits of a limit since the start. */
    get (name: LimitName): number
  }

  readonly #hub: Hub
  readonly #publisher: Publisher

  constructor (hub: Hub, publisher: Publisher) {
    this.limits = { get: (name) => hub.counters.get(name) }
    this.#hub = hub
    this.#publisher = publisher
  }

  /**
   * Publishes any JSON value but `null` and `""`. Resolves when the message is in the log and its delivery has started; with `waitMs`,
   * once every subscriber that can has acknowledged it, the time is over or the app closes.
   * Rejects with MSG_ERR_CHANNEL_INVALID, MSG_ERR_CHANNEL_RESERVED, MSG_ERR_MESSAGE_MISSING, MSG_ERR_MESSAGE_INVALID,
   * MSG_ERR_MESSAGE_TOO_LARGE, MSG_ERR_IDEMPOTENCY_KEY_INVALID, MSG_ERR_IDEMPOTENCY_CONFLICT, MSG_ERR_IDEMPOTENCY_FULL,
   * MSG_ERR_WAIT_INVALID, MSG_ERR_ENGINE_UNAVAILABLE and, once the app closes, MSG_ERR_CLOSED; nothing is delivered then.
   */
  publish (channel: string, message: unknown, options?: PublicationOptions | null): Promise<Publication> {
    return this.#publisher.publish(channel, message, options)
  }

  /**
   * Publishes several messages in their order. Rejects with the codes of {@link publish} when an entry is invalid, names
   * its index and publishes none; a later failure is an `error` in the place of its entry.
   */
  publishAll (entries: readonly BatchEntry[]): Promise<BatchResult[]> {
    return this.#publisher.publishAll(entries)
  }

  /** Number of subscribers of a channel on all instances, with Redis at most two seconds old; 0 for a name that no channel has. */
  subscriberCount (channel: string): number {
    return this.#hub.count(channel)
  }

  [Symbol.iterator] (): IterableIterator<string> {
    return this.#hub.occupied()
  }
}

export { hubOf, publisherOf }
