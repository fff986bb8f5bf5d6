import type { Grant } from '../access/grant.js'
import { isFinal } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import { type Refusal, refusedText, type Standing, unsubscribedText } from '../wire/events.js'
import type { Outbox } from './outbox.js'
import type { Parts } from './parts.js'
import type { Subscriber } from './subscriber.js'
import { Subscription } from './subscription.js'

/** Dependencies of {@link Connection}. */
export interface ConnectionPorts {
  readonly outbox: Outbox
  /** The address, or network, under which the channels are counted. */
  readonly address: string
  /** Called when a channel was admitted. */
  readonly onAdmitted?: (() => void) | undefined
  /** Called when a subscription has ended by itself, by a refusal or by a replacement, and its connection goes on. */
  readonly onEnd: (subscription: Subscription, why?: string) => void
  /** Called after each refusal. */
  readonly onRefused?: ((connection: Connection, refusal: Refusal, channel: string) => void) | undefined
  /**
   * Called when the last subscription has ended while the connection is open, possibly several times; with the first refusal that
   * is not final, otherwise with the first, if there is one.
   */
  readonly onEmpty: (connection: Connection, refusal: Refusal | undefined) => void
}

/** The position of a client in all its channels, on a transport whose messages carry it. */
export interface Cursor {
  readonly text: string
  move (channel: string, id: string): void
  /** The encoder for the messages of a channel, each with the position behind it. */
  encoder (channel: string): Encode
}

/** Settings of {@link Connection}. */
export interface ConnectionSettings {
  /** The maximum number of channels, where the client may add some. */
  readonly frames?: number | undefined
  readonly cursor?: Cursor | undefined
}

/**
 * A connection that carries the subscriptions of several channels. The carrier is the subscriber of a transport that is itself no member
 * of a channel: its socket, its heartbeat and its unsent bytes are those of the connection.
 */
export class Connection {
  readonly frames: number | undefined
  readonly #cursor: Cursor | undefined
  readonly #ports: ConnectionPorts
  readonly #subscriptions = new Map<string, Subscription>()
  /** The queued messages. */
  #queue: Parts | undefined
  /** The unsent bytes of the carrier when the first of them was queued; it is not written to before they are. */
  #carried = 0
  /** The turn of the last replay that waits. */
  #turn = Promise.resolve()
  #refusal: Refusal | undefined

  constructor (readonly carrier: Subscriber, ports: ConnectionPorts, { frames, cursor }: ConnectionSettings = {}) {
    this.#ports = ports
    this.frames = frames
    this.#cursor = cursor
  }

  /** Number of channels, those included that are yet to be admitted. */
  get size (): number {
    return this.#subscriptions.size
  }

  /** The address, or network, under which the channels are counted. */
  get address (): string {
    return this.#ports.address
  }

  /** The subscriptions in the order in which the client asked for them. */
  get subscriptions (): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  /** The subscription of a channel. */
  get (channel: string): Subscription | undefined {
    return this.#subscriptions.get(channel)
  }

  get unsentBytes (): number {
    return this.#queue === undefined ? this.carrier.unsentBytes : this.#carried + this.#queue.length
  }

  /** Whether messages are encoded as the carrier does, the same for all connections. */
  get sharesBytes (): boolean {
    return this.#cursor === undefined
  }

  /** Whether messages are queued, so that another one costs no write. */
  get isQueued (): boolean {
    return this.#queue !== undefined
  }

  /** Adds a subscription, which is not yet a member of the channel; ends the one of the same channel. */
  add (channel: string): Subscription {
    this.delete(channel, 'replaced')
    const subscription = new Subscription(this, channel, this.#cursor?.encoder(channel) ?? this.carrier.encode)
    this.#subscriptions.set(channel, subscription)
    return subscription
  }

  /** Admits a subscription that was added. */
  admit (subscription: Subscription, grant: Grant): void {
    subscription.grant = grant
    this.#ports.onAdmitted?.()
  }

  /** Ends the subscription of a channel; returns whether there was one. The reason is for the log. */
  delete (channel: string, why?: string): boolean {
    const subscription = this.#subscriptions.get(channel)
    if (subscription === undefined) return false
    this.#subscriptions.delete(channel)
    subscription.end()
    this.#ports.onEnd(subscription, why)
    return true
  }

  /** Ends all subscriptions of a closed connection. */
  clear (): void {
    for (const channel of this.#subscriptions.keys()) this.delete(channel)
  }

  /** Notifies the client that a channel is refused. The other channels continue. */
  refuse (channel: string, refusal: Refusal): void {
    this.delete(channel, refusal.code)
    if (this.#refusal === undefined || (isFinal(this.#refusal.close) && !isFinal(refusal.close))) this.#refusal = refusal
    this.send('refused', refusedText(channel, refusal))
    this.#ports.onRefused?.(this, refusal, channel)
    this.#checkEmpty()
  }

  /** Ends the subscription of a channel and confirms it to the client, even if there was none. */
  unsubscribe (channel: string): void {
    this.delete(channel, 'unsubscribed')
    this.send('unsubscribed', unsubscribedText(channel))
    this.#checkEmpty()
  }

  /** Announces the position of a subscription. */
  announce (subscription: Subscription, standing: Standing): void {
    this.flush()
    this.#cursor?.move(subscription.name, standing.id)
    const { frames } = this
    const expiresIn = frames === undefined ? undefined : subscription.grant?.expiresIn
    this.carrier.announce({ ...standing, frames, expiresIn, cursor: this.#cursor?.text })
  }

  /** Sends an event behind all queued messages. */
  send (event: string, text: string): void {
    this.flush()
    this.carrier.send(event, text, this.#cursor?.text)
  }

  /** Queues messages that go out with those of other channels. */
  queue (bytes: Buffer): void {
    if (this.#queue !== undefined) { this.#queue = this.#queue.and(bytes); return }
    this.#carried = this.carrier.unsentBytes
    this.#queue = this.#ports.outbox.add(this, bytes)
  }

  /** Writes the queued messages. */
  flush (): void {
    if (this.#queue === undefined) return
    const bytes = this.#queue.join()
    this.#queue = undefined
    this.carrier.write(bytes)
  }

  /**
   * Resolves when the connection has taken what was written, or is closed. Replays take turns: the next one waits until what the one
   * before has written then is sent, too, so that together they leave one chunk unsent.
   */
  drained (): Promise<void> {
    return this.#turn = this.#turn.then(() => {
      // The replay before has written in the callback before this one, which is queued.
      this.flush()
      return this.carrier.drained()
    })
  }

  /** Later in the turn: all channels of a request may be refused one after the other, and each is to be told. */
  #checkEmpty (): void {
    queueMicrotask(() => {
      if (this.size === 0 && this.carrier.isOpen()) this.#ports.onEmpty(this, this.#refusal)
    })
  }
}

/** The members of channels with the connection of a subscriber, itself included. */
export function siblingsOf (subscriber: Subscriber): readonly Subscriber[] {
  return subscriber.connection === undefined ? [subscriber] : [...subscriber.connection.subscriptions]
}
