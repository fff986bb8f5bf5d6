import { randomBytes } from 'node:crypto'
import pLimit from 'p-limit'
import { ClosedError, EngineUnavailableError } from '../../errors.js'
import { type Broker, type BrokerStatus, CLOSED_STATUS, type Published, type PublishOptions, type Receiver, type Replay, type Since } from '../broker.js'
import type { Retention } from '../log.js'
import { connect, databaseOf, isCluster, type RedisClient } from './connection/connection.js'
import { Link } from './connection/link.js'
import { codeOf, refusalOf } from './connection/refusal.js'
import { Rounds } from './connection/rounds.js'
import { Subscriptions } from './connection/subscriptions.js'
import { type Timings, TIMINGS } from './connection/timings.js'
import { Failover, type FailoverStatus } from './failover/failover.js'
import { Register } from './failover/register.js'
import { serverOf, ShardTerms } from './failover/shard-terms.js'
import { Feed } from './log/feed.js'
import { LogStore, refuse } from './log/log-store.js'
import { parseAnnouncement } from './log/parse.js'
import { SharedReads } from './log/shared-reads.js'
import { Census } from './nodes/census.js'
import { Notices } from './nodes/notices.js'

/** Settings of {@link RedisBroker}. */
export interface RedisBrokerOptions extends Retention {
  /** Where the server is, or a client of the host's, of which connections of the broker's own are made. */
  readonly redis: string | RedisClient
  /** Before every key. */
  readonly keyPrefix: string
  /** Other times than those of production. */
  readonly timings?: Partial<Timings>
}

/** Commands under way at once where many channels are gone through: when thousands come back, none waits for longer than a command may. */
const CONCURRENCY = 256
/** What an instance says that is to be witnessed. */
const WITNESS_REQUEST = '{"witness":true}'

/**
 * Keeps the logs in Redis, so that any number of nodes is one messenger. What is published is appended, numbered and
 * announced in one script; every node listens to the channels that it has subscribers for, and hands on what is next in
 * the log and nothing else.
 */
export class RedisBroker implements Broker {
  readonly started: Promise<void>
  readonly #receiver: Receiver
  readonly #commands: Link
  readonly #notifications: Link
  readonly #store: LogStore
  readonly #failover: Failover
  readonly #barrier: Register | ShardTerms
  readonly #subscriptions: Subscriptions
  readonly #census: Census
  readonly #notices: Notices
  readonly #names: Record<'register' | 'census' | 'notices' | 'noticesKey', string>
  readonly #feeds = new Map<string, Feed>()
  /** Channels that may have missed a message or a subscription. */
  readonly #suspects = new Set<string>()
  readonly #reads = new SharedReads<Replay>()
  readonly #recovery: Rounds
  readonly #timers: NodeJS.Timeout[]
  #start!: () => void
  #status: BrokerStatus = { ready: false, reason: 'not connected yet', code: 'redis: not connected yet', failing: false }
  #auditing = false
  #inCensus = false
  #closed = false

  constructor (receiver: Receiver, { redis, keyPrefix, size, ttlMs, timings: given }: RedisBrokerOptions) {
    const timings = { ...TIMINGS, ...given }
    this.#receiver = receiver
    this.started = new Promise((resolve) => { this.#start = resolve })
    this.#recovery = new Rounds(timings.maxBackoffMs, {
      possible: () => this.#connected && !this.#closed,
      round: () => this.#recover()
    })
    const ports = {
      open: () => connect(redis, timings),
      onReady: () => { this.#connect() },
      onLost: (reason: string) => { this.#failover.lost(reason) }
    }
    this.#commands = new Link(timings, ports)
    this.#notifications = new Link(timings, { ...ports, onMessage: (name, text) => { this.#notified(name, text) } })
    const { client } = this.#commands
    const database = databaseOf(client)
    const livePrefix = database === 0 ? keyPrefix : `${keyPrefix}${database}:`
    this.#names = { register: `${keyPrefix}instances`, census: `${livePrefix}census`, notices: `${livePrefix}notices`, noticesKey: `${keyPrefix}{notices}` }
    this.#barrier = isCluster(client)
      ? new ShardTerms(client)
      : new Register({
        client,
        key: this.#names.register,
        timings,
        greet: () => { void refusalOf(client.publish(this.#names.census, WITNESS_REQUEST)) },
        onUnsafe: () => { receiver.log?.('warn', 'no other instance or replica has confirmed the registration of this instance: what it acknowledges is lost without a gap if it ends together with the last data of Redis') }
      })
    this.#failover = new Failover({
      barrier: this.#barrier,
      verify: (channel, seen, term) => this.#store.verify(channel, seen, term),
      prepare: (term) => this.#prepare(term),
      inTurn: (items, step) => this.#inTurn(items, step),
      onChange: (status) => { this.#changed(status) }
    })
    this.#store = new LogStore(client, this.#failover, { keyPrefix, livePrefix, size, ttlMs, registerKey: isCluster(client) ? undefined : this.#names.register })
    this.#subscriptions = new Subscriptions(this.#notifications, (channel) => this.#store.liveName(channel), timings)
    this.#census = new Census(randomBytes(9).toString('base64url'), timings, {
      count: (channel) => receiver.count(channel),
      occupied: () => receiver.occupied(),
      send: (text) => this.#gossip(text)
    })
    this.#notices = new Notices(client, {
      key: this.#names.noticesKey,
      name: this.#names.notices,
      show: (text) => { receiver.notice(text) }
    })
    client.on('message', (name: string, text: string) => {
      if (name === this.#names.notices) this.#notices.receive(text)
      else if (text !== WITNESS_REQUEST) this.#census.receive(text)
      else if (this.#barrier instanceof Register) void this.#barrier.greeted()
    })
    this.#timers = [
      setInterval(() => { void this.#audit() }, timings.auditMs).unref(),
      setInterval(() => { void refusalOf(this.#failover.check()) }, timings.checkMs).unref()
    ]
  }

  get status (): BrokerStatus {
    return this.#status
  }

  get ready (): boolean {
    return this.#status.ready
  }

  async publish (channel: string, message: string, { idempotencyKey }: PublishOptions = {}): Promise<Published> {
    if (this.#closed) throw new ClosedError()
    return await this.#store.publish(channel, message, this.#census.total(channel), idempotencyKey)
  }

  read (channel: string, since: Since, limit = Number.MAX_SAFE_INTEGER): Promise<Replay> {
    return this.#reads.ask(`${channel} ${JSON.stringify(since)} ${limit}`, async () => {
      const replay = await this.#store.read(channel, since, limit)
      // The reader can go on with what is delivered only when that is of the same epoch.
      const feed = this.#feeds.get(channel)
      if (feed?.isBehind(replay.epoch) === true) await feed.catchUp()
      return replay
    })
  }

  async listen (channel: string): Promise<void> {
    // There is one already where this was rejected before: whatever happens, it is subscribed and caught up when Redis is back.
    const feed = this.#feeds.get(channel) ?? this.#open(channel)
    this.#requireReady()
    await this.#subscriptions.insist(channel, () => !this.#closed && this.#feeds.get(channel) === feed).catch(refuse)
    await feed.catchUp()
  }

  unlisten (channel: string): void {
    const feed = this.#feeds.get(channel)
    if (feed === undefined) return
    this.#feeds.delete(channel)
    this.#suspects.delete(channel)
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
    await this.#notices.post(text, until).catch(refuse)
  }

  async close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) clearInterval(timer)
    const wasReady = this.ready
    // Nothing is acknowledged any more from here on, so that the register may say that this instance has left.
    this.#failover.close()
    // The farewell of the census is on its way when the server has answered what was sent after it.
    this.#census.stop()
    if (wasReady) await refusalOf(this.#barrier.leave())
    this.#commands.close()
    this.#notifications.close()
  }

  get #connected (): boolean {
    return this.#commands.ready && this.#notifications.ready
  }

  #requireReady (): void {
    if (!this.ready) throw new EngineUnavailableError(codeOf(this.#status.reason))
  }

  #open (channel: string): Feed {
    const feed = new Feed({
      read: (since, limit) => this.#store.read(channel, since, limit),
      // Its answer comes after all that the server sent before.
      arrived: () => this.#subscriptions.subscribe(channel).catch(refuse),
      deliver: (entry) => { if (this.#feeds.get(channel) === feed) this.#receiver.deliver(channel, entry) },
      moved: (position) => { if (this.#feeds.get(channel) === feed) this.#receiver.moved(channel, position) },
      lag: () => { this.#suspect(channel) }
    })
    this.#feeds.set(channel, feed)
    return feed
  }

  #notified (name: string, text: string): void {
    const channel = this.#store.channelOf(name)
    const feed = this.#feeds.get(channel)
    // What could not be ended when the last subscriber left ends with the next message.
    if (feed === undefined) { this.#subscriptions.unsubscribe(channel); return }
    const entry = parseAnnouncement(text)
    if (entry !== undefined) feed.notify(entry)
  }

  #gossip (text: string): boolean {
    if (!this.#connected || (!this.ready && !this.#closed)) return false
    void refusalOf(this.#commands.client.publish(this.#names.census, text))
    return true
  }

  #connect (): void {
    if (!this.#connected) return
    this.#failover.connected()
    this.#suspectAll()
  }

  #changed ({ state, from, reason, failing }: FailoverStatus): void {
    this.#status = state === 'closed' ? CLOSED_STATUS : { ready: state === 'ready', reason, failing, code: reason && `redis: ${failing ? codeOf(reason) : reason}` }
    if (state === 'verifying' && from !== state) this.#suspectAll()
    if (state === 'away' || state === 'closed') {
      this.#inCensus = false
      this.#census.disconnected()
    }
    this.#receiver.statusChanged?.(this.#status)
  }

  #suspect (channel: string): void {
    if (this.#feeds.has(channel)) this.#suspects.add(channel)
    this.#recovery.due()
  }

  #suspectAll (): void {
    for (const channel of this.#feeds.keys()) this.#suspects.add(channel)
    this.#recovery.due()
  }

  async #recover (): Promise<void> {
    await this.#failover.check()
    await this.#failover.verify()
    this.#start()
    if (!this.#inCensus) this.#joinCensus()
    await this.#catchUp()
  }

  /** Between the decision of a term and the admission to it: nothing must be heard from another server, and all notices are known. */
  async #prepare (term: string): Promise<void> {
    const { client } = this.#notifications
    if (!isCluster(client)) {
      const info = await client.info('replication').catch((error: unknown) => {
        if (isTimeout(error)) this.#notifications.reconnect()
        throw error
      })
      // A connection that outlived the other one may still be to the server that was replaced, and hand on what that one has.
      if (serverOf(info) !== term.slice(0, 12)) {
        this.#notifications.reconnect()
        throw new Error('the connection is not to the same server')
      }
    }
    await this.#notices.catchUp()
  }

  /**
   * Begins to hear of the subscribers of other nodes; when that fails the next audit tries again. Not on the connection of the
   * notifications: when the last sharded subscription ends there, the client takes it for the end of all of them.
   */
  #joinCensus (): void {
    void refusalOf(this.#commands.client.subscribe(this.#names.census).then(() => {
      this.#inCensus = true
      this.#census.connected()
    }))
  }

  /** Subscribes to what may have been missed, then hands it on. A channel that fails does not keep the others waiting. */
  async #catchUp (): Promise<void> {
    const channels = [...this.#suspects]
    this.#suspects.clear()
    let failure: unknown
    await this.#inTurn(channels, async (channel) => {
      const feed = this.#feeds.get(channel)
      // Left while others were gone through.
      if (feed === undefined) return
      try {
        const refusal = await refusalOf(this.#subscriptions.subscribe(channel))
        await feed.catchUp()
        if (refusal === undefined) return
        // The log answers and the subscription does not: nobody watches whether the connections of a cluster are alive.
        if (isTimeout(refusal)) this.#notifications.reconnect()
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
    await this.#inTurn(this.#feeds, async ([channel, feed]) => {
      const refusal = await refusalOf(this.#store.touch(channel).then((position) => {
        if (position?.epoch !== feed.epoch || position.offset > feed.offset) this.#suspect(channel)
      }))
      if (refusal !== undefined) this.#suspect(channel)
    })
    this.#auditing = false
  }

  /** Takes a step for each item, some at a time. The steps must not reject. */
  async #inTurn<T> (items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
    await pLimit(CONCURRENCY).map(items, step)
  }
}

/** Whether the connection, rather than the server, is what did not answer. */
function isTimeout (error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out'
}
