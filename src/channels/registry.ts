import type { Broker, CreateBroker, LogEntry, PublishOptions, Replay, Since } from '../brokers/broker.js'
import { ChannelInvalidError, ChannelReservedError, ClosedError, MessageTooLargeError } from '../errors.js'
import { Close, type CloseCode } from '../wire/close.js'
import { formatId } from '../wire/id.js'
import { messageText } from '../wire/json.js'
import { Channel } from './channel.js'
import { FanOut } from './fan-out.js'
import { Heartbeat } from './heartbeat.js'
import { isChannelName } from './name.js'
import { replay } from './replay.js'
import type { Subscriber } from './subscriber.js'

/** What a publisher gets to know. */
export interface Publication {
  /** `"<epoch>:<offset>"`, the id under which every subscriber gets the message. */
  readonly id: string
  /** Subscribers of the channel when the message was taken. */
  readonly subscribers: number
  /** Set when the idempotency key was known: nothing was published again, `id` is that of the first time. */
  readonly duplicate?: true
}

/** Settings of {@link ChannelRegistry}. */
export interface ChannelRegistryOptions {
  /** Names that no channel may have. */
  readonly reserved: ReadonlySet<string>
  /** Bytes of a message's JSON text. */
  readonly maxMessageBytes: number
  /** Unsent bytes at which a subscriber is too slow. */
  readonly maxBufferedBytes: number
  /** Milliseconds between two signs of life. */
  readonly pingIntervalMs: number
}

/**
 * The channels of this node: what `app.channels` is.
 *
 * Iterating it yields the names of the occupied channels. A channel exists while it has subscribers.
 */
export class ChannelRegistry implements Iterable<string> {
  readonly #options: ChannelRegistryOptions
  readonly #channels = new Map<string, Channel>()
  readonly #broker: Broker
  readonly #fanOut = new FanOut()
  readonly #heartbeat: Heartbeat
  readonly #closing = new Set<Subscriber>()
  #released: (() => void) | undefined
  #closed = false

  constructor (createBroker: CreateBroker, options: ChannelRegistryOptions) {
    this.#options = options
    this.#heartbeat = new Heartbeat(options.pingIntervalMs)
    this.#broker = createBroker({
      deliver: (name, entry) => { this.#deliver(name, entry) },
      count: (name) => this.subscriberCount(name)
    })
  }

  /**
   * Publishes any JSON value but `null` and `""`. Resolves when the message is in the log and on its way.
   * Rejects with MSG_ERR_CHANNEL_INVALID, MSG_ERR_CHANNEL_RESERVED, MSG_ERR_MESSAGE_MISSING, MSG_ERR_MESSAGE_INVALID,
   * MSG_ERR_MESSAGE_TOO_LARGE and, once the app closes, MSG_ERR_CLOSED; nothing is delivered then.
   */
  async publish (channel: string, message: unknown, options?: PublishOptions): Promise<Publication> {
    this.assertName(channel)
    const text = messageText(message)
    if (Buffer.byteLength(text) > this.#options.maxMessageBytes) throw new MessageTooLargeError(this.#options.maxMessageBytes)
    if (this.#closed) throw new ClosedError()
    const { epoch, offset, subscribers, duplicate } = await this.#broker.publish(channel, text, options)
    const id = formatId(epoch, offset)
    return duplicate ? { id, subscribers, duplicate } : { id, subscribers }
  }

  /** Whether messages and subscribers are taken. */
  get ready (): boolean {
    return !this.#closed
  }

  /** Number of subscribers of a channel; 0 for a name that no channel has. */
  subscriberCount (channel: string): number {
    return this.#channels.get(channel)?.subscribers.size ?? 0
  }

  /** The names of the channels that have subscribers on this node. */
  [Symbol.iterator] (): IterableIterator<string> {
    return this.#channels.keys()
  }

  /** Throws MSG_ERR_CHANNEL_INVALID or MSG_ERR_CHANNEL_RESERVED for what cannot name a channel. */
  assertName (channel: string): void {
    if (typeof channel !== 'string' || !isChannelName(channel)) throw new ChannelInvalidError(JSON.stringify(channel))
    if (this.#options.reserved.has(channel)) throw new ChannelReservedError(JSON.stringify(channel))
  }

  /** Reads what is kept of a channel, at most `limit` messages. */
  async read (channel: string, since: Since, limit: number): Promise<Replay> {
    return await this.#broker.read(channel, since, limit)
  }

  /**
   * Makes a subscriber a member of a channel: what `since` asks for is replayed, then it gets every message.
   * It is one at once, so that `release` may be called from now on. With `announce` it is told where it stands before
   * the first message.
   */
  async subscribe (name: string, subscriber: Subscriber, since: Since, announce: boolean): Promise<void> {
    const channel = this.#join(name, subscriber)
    if (this.#closed) {
      this.#cut(subscriber, Close.GOING_AWAY, 'closing')
      return
    }
    await this.#replay(channel, subscriber, since, announce)
  }

  /** Ends a membership because its connection is gone. The last subscriber to leave frees the channel. */
  release (subscriber: Subscriber): void {
    this.#leave(subscriber)
    this.#closing.delete(subscriber)
    if (this.#closing.size === 0) this.#released?.()
  }

  /**
   * Closes the registry: refuses messages and subscribers from now on, closes every subscriber with the code and ends the
   * connections that are not gone after `graceMs` milliseconds.
   */
  async close (code: CloseCode, reason: string, graceMs: number): Promise<void> {
    this.#closed = true
    this.#heartbeat.stop()
    for (const channel of [...this.#channels.values()]) {
      for (const subscriber of channel.subscribers) this.#cut(subscriber, code, reason)
    }
    if (this.#closing.size > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, graceMs)
        this.#released = () => { clearTimeout(deadline); resolve() }
      })
      for (const subscriber of this.#closing) subscriber.terminate()
    }
    await this.#broker.close()
  }

  readonly #channelEvents = {
    onSlow: (subscriber: Subscriber): void => {
      this.#cut(subscriber, Close.TRY_AGAIN, 'too slow: reconnect and resume')
    },
    onHole: (subscriber: Subscriber): void => {
      const { channel, epoch, offset } = subscriber
      if (channel) void this.#replay(channel, subscriber, { epoch, offset }, false)
    }
  }

  #deliver (name: string, entry: LogEntry): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    channel.deliver(entry)
    this.#fanOut.schedule(channel)
  }

  async #replay (channel: Channel, subscriber: Subscriber, since: Since, announce: boolean): Promise<void> {
    try {
      await channel.listening
      const outcome = await replay(this.#broker, channel, subscriber, since, announce)
      if (outcome === 'gap') this.#cut(subscriber, Close.TRY_AGAIN, 'messages were lost: reconnect')
    } catch {
      this.#cut(subscriber, Close.TRY_AGAIN, 'the log cannot be read: reconnect and resume')
    }
  }

  #join (name: string, subscriber: Subscriber): Channel {
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      channel = new Channel(name, this.#channelEvents, this.#options.maxBufferedBytes)
      this.#channels.set(name, channel)
      channel.listening = this.#broker.listen(name)
    }
    subscriber.channel = channel
    channel.subscribers.add(subscriber)
    this.#heartbeat.add(subscriber)
    return channel
  }

  #leave (subscriber: Subscriber): void {
    const { channel } = subscriber
    if (channel === undefined) return
    subscriber.channel = undefined
    channel.subscribers.delete(subscriber)
    this.#heartbeat.delete(subscriber)
    if (channel.subscribers.size === 0) {
      this.#channels.delete(channel.name)
      this.#broker.unlisten(channel.name)
    }
  }

  /** It gets nothing more and does not count any more; its connection is known until it is gone. */
  #cut (subscriber: Subscriber, code: CloseCode, reason: string): void {
    this.#leave(subscriber)
    this.#closing.add(subscriber)
    subscriber.close(code, reason)
  }
}
