import type { Broker } from '../brokers/broker.js'
import { ownText } from '../wire/text.js'
import { Channel, type ChannelEvents, type ChannelSettings } from './channel.js'
import { Heartbeat } from './heartbeat.js'
import type { Connection } from './connection.js'
import { type Probe, Sampler } from './probe.js'
import type { Subscriber } from './subscriber.js'

/** Events of the channels of this instance. */
export interface MembershipObserver {
  /** Called when a channel has its first subscriber. */
  occupied (channel: string): void
  /** Called when the last subscriber of a channel has left. */
  vacated (channel: string): void
  /** Called when a subscriber has left a channel. */
  left (channel: string, subscriber: Subscriber): void
}

/** Settings of {@link Membership}. */
export interface MembershipOptions extends ChannelSettings {
  readonly observer?: MembershipObserver | undefined
  /** Milliseconds between two heartbeats. */
  readonly pingIntervalMs: number
}

/** The occupied channels of this instance and their subscribers. A channel exists while it has subscribers. */
export class Membership {
  readonly #channels = new Map<string, Channel>()
  readonly #heartbeat: Heartbeat
  readonly #sampler: Sampler
  readonly #connections = new Set<Connection>()
  #subscriptions = 0

  constructor (private readonly options: MembershipOptions, private readonly events: ChannelEvents) {
    this.#heartbeat = new Heartbeat(options.pingIntervalMs)
    this.#sampler = new Sampler(options.traffic.deliverySeconds)
  }

  /** Number of channels. */
  get size (): number {
    return this.#channels.size
  }

  /** Number of subscribers of all channels. */
  get subscriptions (): number {
    return this.#subscriptions
  }

  get (name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  /** A probe for a publish that began at a time, where it is to be sampled; `end` is to be called with the position of its message. */
  probe (name: string, began: number): Probe | undefined {
    if (!this.#sampler.mayBegin(began)) return undefined
    const channel = this.#channels.get(name)
    return channel === undefined || channel.probe !== undefined ? undefined : channel.probe = this.#sampler.begin(began)
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
      channel = new Channel(ownText(name), this.events, this.options)
      this.#channels.set(channel.name, channel)
      this.options.observer?.occupied(channel.name)
    }
    subscriber.channel = channel
    channel.subscribers.add(subscriber)
    this.#subscriptions++
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
    this.#subscriptions--
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
