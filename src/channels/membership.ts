import type { Broker } from '../brokers/broker.js'
import { ownText } from '../wire/text.js'
import { Channel, type ChannelEvents } from './channel.js'
import { Heartbeat } from './heartbeat.js'
import type { Connection } from './connection.js'
import type { Subscriber } from './subscriber.js'

/** Events of the channels of this instance. */
export interface MembershipObserver {
  /** Called when a channel has its first subscriber. */
  occupied (channel: string): void
  /** Called when the last subscriber of a channel has left. */
  vacated (channel: string): void
  /** Called when a subscriber is no member of a channel any more. */
  left (channel: string, subscriber: Subscriber): void
}

/** Settings of {@link Membership}. */
export interface MembershipOptions {
  readonly observer?: MembershipObserver | undefined
  /** Unsent bytes above which a subscriber is too slow. */
  readonly maxBufferedBytes: number
  /** Milliseconds between two heartbeats. */
  readonly pingIntervalMs: number
}

/** The occupied channels of this instance and their subscribers. A channel exists while it has subscribers. */
export class Membership {
  readonly #channels = new Map<string, Channel>()
  readonly #heartbeat: Heartbeat
  readonly #connections = new Set<Connection>()

  constructor (private readonly options: MembershipOptions, private readonly events: ChannelEvents) {
    this.#heartbeat = new Heartbeat(options.pingIntervalMs)
  }

  /** Number of channels. */
  get size (): number {
    return this.#channels.size
  }

  get (name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  names (): IterableIterator<string> {
    return this.#channels.keys()
  }

  /** Starts the heartbeats of a connection of several channels; `closed` ends them. */
  open (connection: Connection): void {
    this.#connections.add(connection)
    this.#heartbeat.add(connection.carrier)
  }

  closed (connection: Connection): void {
    this.#connections.delete(connection)
    this.#heartbeat.delete(connection.carrier)
  }

  /** The open connections that are no member of any channel (yet). */
  idleConnections (): Connection[] {
    return [...this.#connections].filter(({ subscriptions }) => [...subscriptions].every(({ channel }) => channel === undefined))
  }

  /** All subscribers at this moment. */
  subscribers (): Subscriber[] {
    return [...this.#channels.values()].flatMap((channel) => [...channel.subscribers])
  }

  add (name: string, subscriber: Subscriber, broker: Pick<Broker, 'membershipChanged'>): Channel {
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      // The name is a slice of the request's URL.
      channel = new Channel(ownText(name), this.events, this.options.maxBufferedBytes)
      this.#channels.set(channel.name, channel)
      this.options.observer?.occupied(channel.name)
    }
    subscriber.channel = channel
    channel.subscribers.add(subscriber)
    if (subscriber.connection === undefined) this.#heartbeat.add(subscriber)
    broker.membershipChanged(channel.name)
    return channel
  }

  /** Deletes a subscriber, and with the last one its channel. Does nothing where it is not a member. */
  delete (subscriber: Subscriber, broker: Pick<Broker, 'membershipChanged' | 'unlisten'>): void {
    const { channel } = subscriber
    if (channel === undefined) return
    subscriber.channel = undefined
    channel.subscribers.delete(subscriber)
    if (subscriber.connection === undefined) this.#heartbeat.delete(subscriber)
    broker.membershipChanged(channel.name)
    this.options.observer?.left(channel.name, subscriber)
    if (channel.subscribers.size > 0) return
    this.#channels.delete(channel.name)
    broker.unlisten(channel.name)
    this.options.observer?.vacated(channel.name)
  }

  /** Ends the heartbeats. */
  close (): void {
    this.#heartbeat.stop()
  }
}
