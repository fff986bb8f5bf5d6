import type { LimitName } from '../limits/limit-counters.js'
import type { ChannelEmitter, ChannelEvents } from './channel-emitter.js'
import type { ChannelList, ChannelState, Directory, ListOptions } from './directory.js'
import type { Hub } from './hub.js'
import type { Presence } from './presence.js'
import type { BatchEntry, BatchResult, Publication, PublicationOptions, Publisher } from './publisher.js'

/** The parts of a registry that hosts do not see. */
let hubOf: (registry: ChannelRegistry) => Hub
let publisherOf: (registry: ChannelRegistry) => Publisher
let observationOf: (registry: ChannelRegistry) => Observation

/** The subscribers and members of the channels. */
export interface Observation {
  readonly directory: Directory
  readonly presence: Presence
  readonly events: ChannelEmitter
}

/**
 * The channels of an app, as `app.channels`.
 *
 * Iterating it yields the names of the channels that have subscribers on this instance.
 */
export class ChannelRegistry implements Iterable<string> {
  static {
    hubOf = (registry) => registry.#hub
    publisherOf = (registry) => registry.#publisher
    observationOf = (registry) => registry.#observation
  }

  /** The limits of this messenger, by the names of their options. */
  readonly limits: {
    /** The number of hits of a limit since the start. */
    get (name: LimitName): number
  }

  /**
   * Events of the channels: `occupied` and `vacated` with `{ channel }`, when the first subscriber has come to this instance or the last
   * one has left it; `join` and `leave` with `{ channel, sub }`, on one of the instances, when a member has come or left for all of them.
   * Listeners are called after the change; what they throw is logged.
   */
  readonly events: ChannelEvents

  readonly #hub: Hub
  readonly #publisher: Publisher
  readonly #observation: Observation

  constructor (hub: Hub, publisher: Publisher, observation: Observation) {
    this.events = observation.events
    this.#observation = observation
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

  /**
   * The channels that have subscribers on any instance, with Redis at most two seconds old, in the order of their names; at most `limit`
   * (default 100, at most 1,000) of those that begin with `prefix`. Rejects with MSG_ERR_QUERY_INVALID.
   */
  list (options?: ListOptions | null): Promise<ChannelList> {
    return this.#observation.directory.list(options)
  }

  /**
   * The subscribers and the members of a channel on all instances, and the id of its last message, taken before. Only channels with a rule
   * `presence: true` have members. Rejects with MSG_ERR_CHANNEL_INVALID, MSG_ERR_CHANNEL_RESERVED and MSG_ERR_ENGINE_UNAVAILABLE.
   */
  members (channel: string): Promise<ChannelState> {
    return this.#observation.directory.members(channel)
  }

  [Symbol.iterator] (): IterableIterator<string> {
    return this.#hub.occupied()
  }
}

export { hubOf, observationOf, publisherOf }
