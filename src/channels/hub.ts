import type { FastifyError } from '@fastify/error'
import {
  type Broker, type BrokerStatus, CLOSED_STATUS, type CreateBroker, type LogEntry, type PublishOptions, type Replay, type Since
} from '../brokers/broker.js'
import { ClosedError, EngineUnavailableError, FullError } from '../errors.js'
import type { LimitCounters } from '../limits/limit-counters.js'
import { Traffic } from '../metrics/traffic.js'
import { Close, type CloseCode, closeCodeOf } from '../wire/close.js'
import type { Position } from '../wire/id.js'
import { Backlogs } from './backlogs.js'
import { type Connection, siblingsOf } from './connection.js'
import { FanOut } from './fan-out.js'
import type { HubOptions } from './hub-options.js'
import { Membership } from './membership.js'
import { PacedLog } from './paced-log.js'
import { type Acknowledged, Receipts, type WaitOptions } from './receipts.js'
import { refusalOf } from './refusal.js'
import { Shutdown } from './shutdown.js'
import { REPLAYING, type Subscriber } from './subscriber.js'

/**
 * Membership and delivery: the subscribers of this instance by channel, and the path of a message from the broker to them.
 * A channel exists while it has subscribers. Internal; hosts see a `ChannelRegistry`.
 */
export class Hub {
  /** The counters of this messenger. */
  readonly traffic: Traffic
  readonly receipts = new Receipts({ broker: () => this.#broker, channel: (name) => this.#members.get(name) })
  readonly #options: HubOptions
  readonly #members: Membership
  readonly #broker: Broker
  readonly #log: PacedLog
  readonly #fanOut = new FanOut()
  readonly #shutdown = new Shutdown()
  readonly #backlogs: Backlogs
  #closed: Promise<void> | undefined

  constructor (createBroker: CreateBroker, options: HubOptions) {
    this.#options = options
    this.traffic = options.traffic ?? new Traffic()
    this.#members = new Membership({ ...options, traffic: this.traffic }, {
      onSlow: (subscriber) => { this.#onSlow(subscriber) },
      onHole: (subscriber) => { this.#onHole(subscriber) },
      onReceipt: (name, entry) => this.receipts.begin(name, entry)
    })
    this.#broker = createBroker({
      deliver: (name, entry) => { this.#deliver(name, entry) },
      moved: (name, position) => { this.#move(name, position) },
      count: (name) => this.#members.get(name)?.subscribers.size ?? 0,
      occupied: () => this.occupied(),
      announced: options.onAnnouncement,
      statusChanged: options.onStatus,
      log: options.onLog,
      ...this.receipts.receiver
    })
    this.#log = new PacedLog(this.#broker)
    this.#backlogs = new Backlogs({
      broker: this.#broker,
      log: this.#log,
      onLive: (subscriber) => { if (this.#shutdown.has(subscriber)) this.#sendAway(subscriber) },
      onGap: (subscriber) => { this.expel(subscriber, Close.TRY_AGAIN, 'messages were lost: reconnect') },
      onFailure: (subscriber) => { this.refuse(subscriber, new EngineUnavailableError('not available'), 'the log cannot be read: reconnect and resume') },
      mayWait: (subscriber) => !this.#shutdown.has(subscriber),
      onUnserved: (subscriber) => { this.expel(subscriber, Close.RESTART, this.#shutdown.reason) },
      onError: options.onError ?? ((error) => { process.emitWarning(error as Error) })
    })
  }

  /** Resolves when messages and subscribers are accepted for the first time. */
  get started (): Promise<void> { return this.#broker.started }

  /** Whether the app is closing: subscribers are refused. */
  get closing (): boolean {
    return this.#shutdown.state !== 'open'
  }

  /** Whether messages and subscribers are accepted: not while closing, and not while the engine is away. */
  get ready (): boolean {
    return !this.closing && this.#broker.ready
  }

  /** Whether messages and subscribers are accepted and, if not, the reason. */
  get status (): BrokerStatus {
    return this.closing ? CLOSED_STATUS : this.#broker.status
  }

  /** The number of hits of each limit since the start. */
  get counters (): LimitCounters { return this.#options.counters }

  /** Subscribers of a channel on all instances, with Redis at most two seconds old; 0 for a name that no channel has. */
  count (channel: string): number {
    return this.#broker.count(channel)
  }

  /** The members of the channels. */
  get members (): Membership { return this.#members }

  /** Memory of the history in this process. */
  get historyBytes (): number { return this.#broker.bytes ?? 0 }

  /** Whether the engine can be used, also while closing. */
  get engineReady (): boolean { return this.#broker.ready }

  /** The names of the channels that have subscribers on this instance. */
  occupied (): IterableIterator<string> {
    return this.#members.names()
  }

  /** Appends a message, as JSON text, to the log of a channel. Rejects as `Broker.publish` does, and with MSG_ERR_CLOSED. */
  publish (channel: string, text: string, options: PublishOptions & WaitOptions): Promise<Acknowledged> {
    const publisher = options.waitMs === undefined ? this.#broker : this.receipts
    return this.#shutdown.state === 'closed' ? Promise.reject(new ClosedError()) : publisher.publish(channel, text, options)
  }

  /** Reads the log of a channel, at most `limit` messages. */
  read (channel: string, since: Since, limit: number): Promise<Replay> { return this.#log.read(channel, since, limit) }

  /** Announces a text to all instances, those that start before `until` (ms since 1970) included. Rejects as `Broker.announce` does. */
  async announce (text: string, until: number): Promise<void> { await this.#broker.announce(text, until) }

  /** Throws MSG_ERR_FULL where another channel would become occupied beyond the maximum number. */
  assertRoom (name: string): void {
    if (this.#members.get(name) !== undefined || this.#members.size < this.#options.maxChannels) return
    this.counters.hit('maxChannels')
    throw new FullError('MAX_CHANNELS')
  }

  /**
   * Makes a subscriber a member of a channel: messages after `since` are replayed, then it receives every message.
   * It is a member at once, so that `leave` may be called from now on. With `announce` its position is sent before
   * the first message. While the engine is away it waits, with heartbeats, and is served afterwards.
   * Must not be called once the app is `closing`.
   */
  async join (name: string, subscriber: Subscriber, since: Since, announce: boolean): Promise<void> {
    const channel = this.#members.add(name, subscriber, this.#broker)
    await this.#backlogs.deliver(channel, subscriber, { since, announce })
  }

  /** Ends the membership of a subscriber whose connection is closed. May be called several times. The last one frees the channel. */
  leave (subscriber: Subscriber): void {
    this.#remove(subscriber)
    this.#shutdown.delete(subscriber)
  }

  /** Begins with the heartbeats of a connection of several channels, before the first of them joins. */
  open (connection: Connection): void {
    this.#members.open(connection)
  }

  /** To be called when the connection of {@link open} is closed, after `leave` for each of its subscribers. */
  closed (connection: Connection): void {
    this.#members.closed(connection)
    this.#shutdown.delete(connection.carrier)
  }

  /**
   * Ends the membership of a subscriber with a reason, after the messages that wait for it, and closes its connection unless other
   * channels share it. Does nothing where its membership has ended.
   */
  refuse (subscriber: Subscriber, error: FastifyError, reason = error.code): void {
    const { channel, connection } = subscriber
    if (channel === undefined) return
    if (connection !== undefined) { connection.refuse(channel.name, refusalOf(error)); return }
    this.traffic.refused.add(error.code)
    this.expel(subscriber, closeCodeOf(error.statusCode), reason)
  }

  /**
   * Closes the connection of a subscriber with a reason, after the messages that wait for it, and ends the membership of all who share
   * it. Does nothing where its membership has ended.
   */
  expel (subscriber: Subscriber, code: CloseCode, reason: string): void {
    if (subscriber.channel === undefined) return
    // They receive nothing more and no longer count; the connection is tracked until it is closed.
    for (const sibling of siblingsOf(subscriber)) this.#remove(sibling)
    const { connection, connection: { carrier } = { carrier: subscriber } } = subscriber
    connection?.flush()
    this.#shutdown.end(carrier, code, reason)
  }

  /** Closes a connection that has no channel left; while the app is `closing`, with the code of a restart instead. */
  end (carrier: Subscriber, code: CloseCode, reason: string): void {
    if (this.closing) this.#shutdown.restart(carrier)
    else this.#shutdown.end(carrier, code, reason)
  }

  /**
   * Refuses subscribers at once, closes the others in slices, each after all messages acknowledged before, then refuses
   * messages, terminates the remaining connections after `drainMs` milliseconds and releases every resource.
   * Later calls return the promise of the first one.
   */
  close (drainMs = this.#options.drainMs): Promise<void> {
    return this.#closed ??= this.#close(drainMs)
  }

  async #close (drainMs: number): Promise<void> {
    this.receipts.close()
    const { size, subscriptions } = this.#members
    if (subscriptions > 0) this.#options.onLog('info', `The messenger drains ${subscriptions} subscriptions to ${size} channels`)
    const ended = this.#shutdown.run(this.#members.subscribers(), drainMs, (subscriber) => { this.#sendAway(subscriber) })
    for (const { carrier } of this.#members.idleConnections()) this.#shutdown.restart(carrier)
    await ended
    this.#members.close()
    await this.#broker.close()
  }

  /** Closes a subscriber after all acknowledged messages; a replay in progress may take the rest of the drain. */
  #sendAway (subscriber: Subscriber): void {
    const siblings = siblingsOf(subscriber)
    for (const sibling of siblings) sibling.channel?.complete(sibling)
    if (subscriber.channel === undefined) return
    const replaying = siblings.filter((sibling) => sibling.offset === REPLAYING && !this.#backlogs.waits(sibling))
    // The last of them to go live is sent away once more, with all others.
    for (const sibling of replaying) this.#shutdown.add(sibling)
    if (replaying.length === 0) this.expel(subscriber, Close.RESTART, this.#shutdown.reason)
  }

  #onSlow (subscriber: Subscriber): void {
    this.counters.hit('maxBufferedBytes')
    this.expel(subscriber, Close.TRY_AGAIN, 'too slow: reconnect and resume')
  }

  #onHole (subscriber: Subscriber): void {
    const { epoch, offset } = subscriber
    subscriber.offset = REPLAYING
    this.#backlogs.resume(subscriber, { since: { epoch, offset }, announce: false })
  }

  #deliver (name: string, entry: LogEntry): void {
    const channel = this.#members.get(name)
    if (channel === undefined) return
    channel.deliver(entry)
    this.#fanOut.schedule(channel)
  }

  #move (name: string, position: Position): void {
    const channel = this.#members.get(name)
    channel?.move(position)
    for (const subscriber of channel?.subscribers ?? []) {
      if (subscriber.offset !== REPLAYING) this.#onHole(subscriber)
    }
  }

  #remove (subscriber: Subscriber): void {
    this.receipts.leave(subscriber)
    this.#members.delete(subscriber, this.#broker)
    this.#backlogs.delete(subscriber)
  }
}
