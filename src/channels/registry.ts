import { setTimeout as delay } from 'node:timers/promises'
import type { Broker, BrokerStatus, CreateBroker, LogEntry, PublishOptions, Replay, Since } from '../brokers/broker.js'
import { ClosedError, EngineUnavailableError, FullError } from '../errors.js'
import type { LimitCounters } from '../limits/limit-counters.js'
import { Close, type CloseCode } from '../wire/close.js'
import type { Position } from '../wire/id.js'
import { ownText } from '../wire/text.js'
import { Channel } from './channel.js'
import { drain, retryWindowMs } from './drain.js'
import { FanOut } from './fan-out.js'
import { Heartbeat } from './heartbeat.js'
import { Held } from './held.js'
import { Pace } from './pace.js'
import { type BatchEntry, type BatchResult, type Publication, Publisher, type PublisherOptions } from './publisher.js'
import { type Backlog, replay } from './replay.js'
import { REPLAYING, type Subscriber } from './subscriber.js'

const CLOSING: BrokerStatus = { ready: false, reason: 'closed', code: 'closed', failing: false }

/** Settings of {@link ChannelRegistry}. */
export interface ChannelRegistryOptions extends PublisherOptions {
  /** Unsent bytes at which a subscriber is too slow. */
  readonly maxBufferedBytes: number
  /** Occupied channels that there may be. */
  readonly maxChannels: number
  /** Where the limits that were hit are counted. */
  readonly counters: LimitCounters
  /** Learns of what other nodes, or this one, have posted. */
  readonly onNotice: (text: string) => void
  /** Called when the status of the broker has changed. */
  readonly onStatus: (status: BrokerStatus) => void
  /** Takes a line of the broker for the log. */
  readonly onLog: (level: 'warn' | 'error', text: string) => void
  /** Learns of errors that nobody foresaw. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void
  /** Milliseconds between two signs of life. */
  readonly pingIntervalMs: number
  /** Milliseconds that closing may take. */
  readonly drainMs: number
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
  readonly #publisher: Publisher
  readonly #closing = new Set<Subscriber>()
  /** Those who wait for the engine. */
  readonly #held = new Held({
    possible: () => this.#broker.ready,
    resume: (subscriber, backlog) => { this.#resume(subscriber, backlog) }
  })

  readonly #pace = new Pace()
  /** Reads of logs, with turns of the event loop between them. */
  readonly #log = {
    read: async (...request: Parameters<Broker['read']>): Promise<Replay> => {
      await this.#pace.turn()
      const replay = await this.#broker.read(...request)
      this.#pace.charge(replay.entries.length)
      return replay
    }
  }

  #farewell = ''
  #released: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor (createBroker: CreateBroker, options: ChannelRegistryOptions) {
    this.#options = options
    this.#heartbeat = new Heartbeat(options.pingIntervalMs)
    this.#broker = createBroker({
      deliver: (name, entry) => { this.#deliver(name, entry) },
      moved: (name, position) => { this.#move(name, position) },
      count: (name) => this.#channels.get(name)?.subscribers.size ?? 0,
      occupied: () => this.#channels.keys(),
      notice: options.onNotice,
      statusChanged: options.onStatus,
      log: options.onLog
    })
    this.#publisher = new Publisher(this.#broker, options)
  }

  /**
   * Publishes any JSON value but `null` and `""`. Resolves when the message is in the log and on its way.
   * Rejects with MSG_ERR_CHANNEL_INVALID, MSG_ERR_CHANNEL_RESERVED, MSG_ERR_MESSAGE_MISSING, MSG_ERR_MESSAGE_INVALID,
   * MSG_ERR_MESSAGE_TOO_LARGE, MSG_ERR_IDEMPOTENCY_KEY_INVALID, MSG_ERR_IDEMPOTENCY_CONFLICT, MSG_ERR_IDEMPOTENCY_FULL and,
   * once the app closes, MSG_ERR_CLOSED; nothing is delivered then.
   */
  publish (channel: string, message: unknown, options?: PublishOptions | null): Promise<Publication> {
    return this.#publisher.publish(channel, message, options)
  }

  /**
   * Publishes several messages in their order. Rejects with the codes of {@link publish} when one of them is invalid, names
   * its index and publishes none; what fails later is an `error` in its place.
   */
  publishAll (entries: readonly BatchEntry[]): Promise<BatchResult[]> {
    return this.#publisher.publishAll(entries)
  }

  /** Resolves when messages and subscribers are taken, or after `timeoutMs` milliseconds. */
  async started (timeoutMs: number): Promise<void> {
    const timeout = new AbortController()
    await Promise.race([this.#broker.started, delay(timeoutMs, undefined, { signal: timeout.signal }).catch(() => {})])
    timeout.abort()
  }

  /** Whether the app is closing: no subscribers are taken any more. */
  get closing (): boolean {
    return this.#closed !== undefined
  }

  /** Whether messages and subscribers are taken: not while closing, and not while the engine is away. */
  get ready (): boolean {
    return !this.closing && this.#broker.ready
  }

  /** Whether messages and subscribers are taken and, if not, why. */
  get status (): BrokerStatus {
    return this.closing ? CLOSING : this.#broker.status
  }

  /** How often each limit was hit since the start. */
  get limits (): LimitCounters {
    return this.#options.counters
  }

  /** Number of subscribers of a channel on all nodes, with Redis at most two seconds old; 0 for a name that no channel has. */
  subscriberCount (channel: string): number {
    return this.#broker.count(channel)
  }

  /** The names of the channels that have subscribers on this node. */
  [Symbol.iterator] (): IterableIterator<string> {
    return this.#channels.keys()
  }

  /** Throws MSG_ERR_CHANNEL_INVALID or MSG_ERR_CHANNEL_RESERVED for what cannot name a channel. */
  assertName (channel: string): void {
    this.#publisher.assertName(channel)
  }

  /** Reads what is kept of a channel, at most `limit` messages. */
  async read (channel: string, since: Since, limit: number): Promise<Replay> {
    return await this.#log.read(channel, since, limit)
  }

  /**
   * Makes a subscriber a member of a channel: what `since` asks for is replayed, then it gets every message.
   * It is one at once, so that `release` may be called from now on. With `announce` it is told where it stands before
   * the first message. While the engine is away it is kept waiting, with signs of life, and then served.
   * Not to be called once the app is `closing`.
   */
  async subscribe (name: string, subscriber: Subscriber, since: Since, announce: boolean): Promise<void> {
    const channel = this.#join(name, subscriber)
    await this.#replay(channel, subscriber, { since, announce })
  }

  /** Throws MSG_ERR_FULL where a channel would have to be occupied anew and there are as many as there may be. */
  assertRoom (name: string): void {
    if (this.#channels.has(name) || this.#channels.size < this.#options.maxChannels) return
    this.#options.counters.hit('maxChannels')
    throw new FullError('MAX_CHANNELS')
  }

  /** Ends a subscription with a reason, after what was handed to it. Does nothing where it is over already. */
  expel (subscriber: Subscriber, code: CloseCode, reason: string): void {
    this.#cut(subscriber, code, reason)
  }

  /** Tells every node of something until a time, in milliseconds since 1970. Rejects with MSG_ERR_ENGINE_UNAVAILABLE. */
  async post (text: string, until: number): Promise<void> {
    await this.#broker.post(text, until)
  }

  /** Ends a membership because its connection is gone. The last subscriber to leave frees the channel. */
  release (subscriber: Subscriber): void {
    this.#leave(subscriber)
    this.#closing.delete(subscriber)
    if (this.#closing.size === 0) this.#released?.()
  }

  /**
   * Refuses subscribers at once, sends those it has away in slices, each with all that was acknowledged before, then refuses
   * messages, ends the connections that are left when `drainMs` milliseconds are over and lets go of everything.
   * Called again it resolves with the first call.
   */
  close (drainMs = this.#options.drainMs): Promise<void> {
    return this.#closed ??= this.#close(drainMs)
  }

  async #close (drainMs: number): Promise<void> {
    const deadline = performance.now() + drainMs
    const subscribers = [...this.#channels.values()].flatMap((channel) => [...channel.subscribers])
    this.#farewell = `retry=${retryWindowMs(subscribers.length)}`
    await drain(subscribers, drainMs, (subscriber) => { this.#sendAway(subscriber) })
    this.#publisher.closed = true
    await this.#emptied(deadline - performance.now())
    this.#heartbeat.stop()
    await this.#broker.close()
  }

  /** Closes a subscriber once it has all that was acknowledged; what it still has to be replayed may take the rest of the drain. */
  #sendAway (subscriber: Subscriber): void {
    subscriber.channel?.complete(subscriber)
    if (subscriber.channel === undefined) return
    if (subscriber.offset === REPLAYING && !this.#held.waits(subscriber)) this.#closing.add(subscriber)
    else this.#cut(subscriber, Close.RESTART, this.#farewell)
  }

  /** Waits for the connections that were closed to be gone and ends those that are not in time. */
  async #emptied (timeoutMs: number): Promise<void> {
    if (this.#closing.size === 0) return
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, timeoutMs)
      this.#released = () => {
        clearTimeout(deadline)
        resolve()
      }
    })
    for (const subscriber of this.#closing) subscriber.terminate()
  }

  readonly #channelEvents = {
    onSlow: (subscriber: Subscriber): void => {
      this.#options.counters.hit('maxBufferedBytes')
      this.#cut(subscriber, Close.TRY_AGAIN, 'too slow: reconnect and resume')
    },
    onHole: (subscriber: Subscriber): void => {
      const { epoch, offset } = subscriber
      subscriber.offset = REPLAYING
      this.#resume(subscriber, { since: { epoch, offset }, announce: false })
    }
  }

  #deliver (name: string, entry: LogEntry): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    channel.deliver(entry)
    this.#fanOut.schedule(channel)
  }

  #move (name: string, position: Position): void {
    const channel = this.#channels.get(name)
    channel?.move(position)
    for (const subscriber of channel?.subscribers ?? []) {
      if (subscriber.offset !== REPLAYING) this.#channelEvents.onHole(subscriber)
    }
  }

  #resume (subscriber: Subscriber, backlog: Backlog): void {
    const { channel } = subscriber
    if (channel) void this.#replay(channel, subscriber, backlog)
  }

  async #replay (channel: Channel, subscriber: Subscriber, backlog: Backlog): Promise<void> {
    const listening = channel.listening ??= this.#broker.listen(channel.name)
    try {
      await listening
      const outcome = await replay(this.#log, channel, subscriber, backlog)
      this.#held.delete(subscriber)
      if (outcome === 'live' && this.#closing.has(subscriber)) this.#sendAway(subscriber)
      if (outcome === 'gap') this.#cut(subscriber, Close.TRY_AGAIN, 'messages were lost: reconnect')
    } catch (error) {
      // Asked again by the next one; what another one asked for meanwhile stands.
      if (channel.listening === listening) channel.listening = undefined
      if (error instanceof EngineUnavailableError) { this.#hold(subscriber, backlog); return }
      // While closing the log is gone, as was to be foreseen.
      if (!(error instanceof ClosedError)) (this.#options.onError ?? warn)(error)
      this.#cut(subscriber, Close.TRY_AGAIN, 'the log cannot be read: reconnect and resume')
    }
  }

  /** Keeps a subscriber until the engine is back; one that is to be sent away is not kept for that. */
  #hold (subscriber: Subscriber, backlog: Backlog): void {
    if (subscriber.channel === undefined) return
    if (this.#closing.has(subscriber)) this.#cut(subscriber, Close.RESTART, this.#farewell)
    else this.#held.add(subscriber, backlog)
  }

  #join (name: string, subscriber: Subscriber): Channel {
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      // The name is a part of the URL that it came in.
      channel = new Channel(ownText(name), this.#channelEvents, this.#options.maxBufferedBytes)
      this.#channels.set(channel.name, channel)
    }
    subscriber.channel = channel
    channel.subscribers.add(subscriber)
    this.#heartbeat.add(subscriber)
    this.#broker.membershipChanged(channel.name)
    return channel
  }

  #leave (subscriber: Subscriber): void {
    const { channel } = subscriber
    if (channel === undefined) return
    subscriber.channel = undefined
    channel.subscribers.delete(subscriber)
    this.#held.delete(subscriber)
    this.#heartbeat.delete(subscriber)
    this.#broker.membershipChanged(channel.name)
    if (channel.subscribers.size === 0) {
      this.#channels.delete(channel.name)
      this.#broker.unlisten(channel.name)
    }
  }

  /** It gets nothing more and does not count any more; its connection is known until it is gone. */
  #cut (subscriber: Subscriber, code: CloseCode, reason: string): void {
    if (subscriber.channel === undefined) return
    this.#leave(subscriber)
    this.#closing.add(subscriber)
    subscriber.close(code, reason)
  }
}

function warn (error: unknown): void {
  process.emitWarning(error as Error)
}
