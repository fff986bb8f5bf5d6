import { randomBytes } from 'node:crypto'
import { ClosedError, EngineUnavailableError } from '../../errors.js'
import type { Position } from '../../wire/id.js'
import type { Broker, Published, PublishOptions, Receiver, Replay, Since } from '../broker.js'
import type { Retention } from '../log.js'
import { Census } from './census.js'
import { connect, isCluster, type RedisClient } from './connection.js'
import { Feed } from './feed.js'
import { inTurn } from './in-turn.js'
import { Lanes } from './lanes.js'
import { Link } from './link.js'
import { LogStore, unavailable } from './log-store.js'
import { Marks } from './marks.js'
import { Notices } from './notices.js'
import { refusalOf } from './refusal.js'
import { RollCall } from './roll-call.js'
import { Rounds } from './rounds.js'
import { SharedReads } from './shared-reads.js'
import { Subscriptions } from './subscriptions.js'
import { type Timings, TIMINGS } from './timings.js'

/** Settings of {@link RedisBroker}. */
export interface RedisBrokerOptions extends Retention {
  /** Where the server is, or a client of the host's, of which connections of the broker's own are made. */
  readonly redis: string | RedisClient
  /** Before every key. */
  readonly keyPrefix: string
  /** Other times than those of production. */
  readonly timings?: Partial<Timings>
}

/** Reads for subscribers that are under way at once: when thousands come back, none waits for its answer for longer than a command may. */
const CONCURRENT_READS = 256

/**
 * Keeps the logs in Redis, so that any number of nodes is one messenger. What is published is appended, numbered and
 * announced in one script; every node listens to the channels that it has subscribers for, and hands on what is next in
 * the log and nothing else.
 */
export class RedisBroker implements Broker {
  readonly started: Promise<void>
  readonly #receiver: Receiver
  readonly #timings: Timings
  readonly #commands: Link
  readonly #notifications: Link
  readonly #store: LogStore
  readonly #subscriptions: Subscriptions
  readonly #census: Census
  readonly #notices: Notices
  readonly #rollCall: RollCall
  readonly #node = randomBytes(9).toString('base64url')
  readonly #feeds = new Map<string, Feed>()
  /** Channels that may have missed a message or a subscription. */
  readonly #suspects = new Set<string>()
  readonly #marks = new Marks()
  readonly #reads = new SharedReads<Replay>()
  readonly #lanes = new Lanes(CONCURRENT_READS)
  readonly #recovery: Rounds
  readonly #auditor: NodeJS.Timeout
  #start!: () => void
  /** Whether the server that is connected is admitted. */
  #verified = false
  #takingOver: Promise<void> | undefined
  #auditing = false
  #inCensus = false
  #closed = false

  constructor (receiver: Receiver, { redis, keyPrefix, size, ttlMs, timings }: RedisBrokerOptions) {
    this.#receiver = receiver
    this.#timings = { ...TIMINGS, ...timings }
    this.started = new Promise((resolve) => { this.#start = resolve })
    this.#recovery = new Rounds(this.#timings.maxBackoffMs, {
      possible: () => this.#connected && !this.#closed,
      round: () => this.#recover()
    })
    const ports = { onReady: () => { this.#suspectAll() }, onLost: () => { this.#lose() } }
    this.#commands = new Link(connect(redis, this.#timings), this.#timings, ports)
    this.#notifications = new Link(connect(redis, this.#timings), this.#timings, ports)
    this.#store = new LogStore(this.#commands.client, { keyPrefix, size, ttlMs, onTakeover: () => this.#replaced() })
    this.#subscriptions = new Subscriptions(this.#notifications, (channel) => this.#store.liveName(channel), this.#timings)
    this.#rollCall = new RollCall(this.#node, this.#timings, {
      client: this.#commands.client,
      name: this.#store.nodesName,
      known: () => this.#census.nodes,
      greet: () => this.#commands.client.publish(this.#store.censusName, this.#census.greeting)
    })
    this.#census = new Census(this.#node, this.#timings, {
      count: (channel) => receiver.count(channel),
      occupied: () => receiver.occupied(),
      send: (text) => this.#gossip(text),
      gone: (node) => { void refusalOf(this.#rollCall.forget(node)) }
    })
    this.#notifications.client.on('smessage', (name: string, text: string) => { this.#notified(name, text) })
    this.#notices = new Notices(this.#commands.client, {
      key: this.#store.noticesKey,
      name: this.#store.noticesName,
      show: (text) => { receiver.notice(text) }
    })
    this.#commands.client.on('message', (name: string, text: string) => {
      if (name === this.#store.noticesName) this.#notices.receive(text)
      else this.#census.receive(text)
    })
    this.#auditor = setInterval(() => { void this.#audit() }, this.#timings.auditMs).unref()
  }

  get ready (): boolean {
    return this.#verified && this.#connected
  }

  async publish (channel: string, message: string, { idempotencyKey }: PublishOptions = {}): Promise<Published> {
    if (this.#closed) throw new ClosedError()
    this.#requireReady()
    const published = await this.#store.publish(channel, message, this.#census.total(channel), idempotencyKey)
    if (published.duplicate !== true) this.#marks.set(channel, { epoch: published.epoch, offset: published.offset })
    return published
  }

  read (channel: string, since: Since, limit = Number.MAX_SAFE_INTEGER): Promise<Replay> {
    return this.#reads.ask(`${channel} ${JSON.stringify(since)} ${limit}`, async () => {
      const replay = await this.#lanes.take(() => this.#read(channel, since, limit))
      if (replay.head > 0) this.#marks.set(channel, { epoch: replay.epoch, offset: replay.head })
      return replay
    })
  }

  async listen (channel: string): Promise<void> {
    // There is one already where this was rejected before: whatever happens, it is subscribed and caught up when Redis is back.
    const feed = this.#feeds.get(channel) ?? this.#open(channel)
    this.#requireReady()
    await unavailable(this.#subscriptions.insist(channel, () => this.ready && this.#feeds.get(channel) === feed))
    await feed.catchUp()
  }

  unlisten (channel: string): void {
    const feed = this.#feeds.get(channel)
    if (feed === undefined) return
    this.#feeds.delete(channel)
    this.#suspects.delete(channel)
    if (feed.offset > 0) this.#marks.set(channel, { epoch: feed.epoch, offset: feed.offset })
    this.#subscriptions.unsubscribe(channel)
  }

  count (channel: string): number {
    return this.#census.total(channel)
  }

  membershipChanged (channel: string): void {
    this.#census.changed(channel)
  }

  async post (text: string, until: number): Promise<void> {
    this.#requireReady()
    await unavailable(this.#notices.post(text, until))
  }

  async close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#auditor)
    this.#census.stop()
    // The other farewell is on its way when the server has answered what was sent after it.
    if (this.ready) await refusalOf(this.#rollCall.forget(this.#node))
    this.#verified = false
    this.#commands.close()
    this.#notifications.close()
  }

  get #connected (): boolean {
    return this.#commands.ready && this.#notifications.ready
  }

  #requireReady (): void {
    if (!this.ready) throw new EngineUnavailableError('Redis cannot be reached')
  }

  #open (channel: string): Feed {
    const feed = new Feed({
      read: (since, limit) => this.#read(channel, since, limit),
      // Its answer comes after all that the server sent before.
      arrived: () => unavailable(this.#subscriptions.subscribe(channel)),
      deliver: (entry) => { if (this.#feeds.get(channel) === feed) this.#receiver.deliver(channel, entry) },
      reset: () => { if (this.#feeds.get(channel) === feed) this.#receiver.reset(channel) },
      lag: () => { this.#suspect(channel) }
    })
    this.#feeds.set(channel, feed)
    return feed
  }

  async #read (channel: string, since: Since, limit: number): Promise<Replay> {
    this.#requireReady()
    return await this.#store.read(channel, since, limit)
  }

  #notified (name: string, text: string): void {
    const channel = this.#store.channelOf(name)
    const feed = this.#feeds.get(channel)
    // What could not be ended when the last subscriber left ends with the next message.
    if (feed === undefined) { this.#subscriptions.unsubscribe(channel); return }
    const colon = text.indexOf(':')
    const space = text.indexOf(' ')
    feed.notify({ epoch: text.slice(0, colon), offset: Number(text.slice(colon + 1, space)), message: text.slice(space + 1) })
  }

  #gossip (text: string): boolean {
    if (!this.ready) return false
    void refusalOf(this.#commands.client.publish(this.#store.censusName, text))
    return true
  }

  #lose (): void {
    this.#verified = false
    this.#inCensus = false
    this.#census.disconnected()
  }

  #suspect (channel: string): void {
    if (this.#feeds.has(channel)) this.#suspects.add(channel)
    this.#recovery.due()
  }

  #suspectAll (): void {
    for (const channel of this.#feeds.keys()) this.#suspects.add(channel)
    this.#recovery.due()
  }

  /** A command was refused by a server that took over unnoticed. */
  async #replaced (): Promise<void> {
    this.#suspectAll()
    await this.#takeOver()
  }

  async #recover (): Promise<void> {
    await this.#takeOver()
    // Each log is asked before it is used in any case; what could not be asked before is asked again now.
    await Promise.all([this.#catchUp(), this.#store.doubts.settleAll()])
    if (!this.#store.doubts.none) throw new Error('not every log answers')
  }

  /** Admits the server that is connected, once each log was asked whether it has what this node saw and the others have done so, too. */
  #takeOver (): Promise<void> {
    return this.#takingOver ??= this.#admit().finally(() => { this.#takingOver = undefined })
  }

  async #admit (): Promise<void> {
    const tenures = await this.#store.unverified()
    if (tenures.length > 0) {
      // A connection that outlived the other one may still be to the server that was replaced, and hand on what that one has.
      const { client, readyAt } = this.#notifications
      if (!isCluster(client) && readyAt < this.#commands.lostAt) {
        this.#notifications.reconnect()
        throw new Error('the connection is not to the same server')
      }
      this.#store.doubt([...this.#marks, ...this.#positions()])
      await this.#store.doubts.settleAll()
      const failure = await refusalOf(this.#rollCall.gather(this.#store.withAdmitted(tenures), tenures.length))
      // In a cluster it may be on a master that is gone for good, and the logs of the others must not be gone with it.
      if (failure !== undefined && !isCluster(this.#commands.client)) throw failure as Error
      this.#store.admit(tenures)
    } else {
      // Others may have taken this node for dead.
      await refusalOf(this.#rollCall.answer())
    }
    await this.#notices.catchUp()
    /* c8 ignore start: a connection that is lost between the server's answer and this line, which no test can time */
    if (!this.#connected) throw new Error('the connection was lost')
    /* c8 ignore stop */
    this.#verified = true
    this.#start()
    if (!this.#inCensus) this.#joinCensus()
  }

  * #positions (): Generator<[channel: string, position: Position]> {
    for (const [channel, { epoch, offset }] of this.#feeds) yield [channel, { epoch, offset }]
  }

  /**
   * Begins to hear of the subscribers of other nodes; when that fails the next audit tries again. Not on the connection of the
   * notifications: when the last sharded subscription ends there, the client takes it for the end of all of them.
   */
  #joinCensus (): void {
    void refusalOf(this.#commands.client.subscribe(this.#store.censusName).then(() => {
      this.#inCensus = true
      this.#census.connected()
    }))
  }

  /** Subscribes to what may have been missed, then hands it on. A channel that fails does not keep the others waiting. */
  async #catchUp (): Promise<void> {
    const channels = [...this.#suspects]
    this.#suspects.clear()
    let failure: unknown
    await inTurn(channels, async (channel) => {
      const feed = this.#feeds.get(channel)
      // Left while others were gone through.
      if (feed === undefined) return
      try {
        const refusal = await refusalOf(this.#subscriptions.subscribe(channel))
        await feed.catchUp()
        if (refusal === undefined) return
        // The log answers and the subscription does not: nobody watches whether the connections of a cluster are alive.
        if (refusal instanceof Error && refusal.message === 'Command timed out') this.#notifications.reconnect()
        failure = refusal
      } catch (error) {
        failure = error
      }
      this.#suspect(channel)
    })
    if (failure !== undefined) throw failure as Error
  }

  /** Keeps the positions of occupied channels from expiring, and finds what was missed without a sign. */
  async #audit (): Promise<void> {
    if (!this.ready || this.#auditing) return
    this.#auditing = true
    if (!this.#inCensus) this.#joinCensus()
    await refusalOf(this.#notices.catchUp())
    await refusalOf(this.#rollCall.answer())
    await inTurn(this.#feeds, async ([channel, feed]) => {
      let position: Position | undefined
      await refusalOf(this.#store.touch(channel).then((found) => { position = found }))
      if (position?.epoch !== feed.epoch || position.offset > feed.offset) this.#suspect(channel)
    })
    this.#auditing = false
  }
}
