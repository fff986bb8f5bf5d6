import { randomBytes } from 'node:crypto'
import type { Cluster } from 'ioredis'
import { ClosedError, EngineUnavailableError } from '../../errors.js'
import type { Broker, BrokerStatus, Published, PublishOptions, ReceiptExchange, Receiver, Replay, Since } from '../broker.js'
import type { Retention } from '../log.js'
import { type Commands, connect, databaseOf, isCluster, type RedisClient } from './connection/connection.js'
import { Link } from './connection/link.js'
import { rejectionOf } from './connection/refusal.js'
import { Rounds } from './connection/rounds.js'
import { Subscriptions } from './connection/subscriptions.js'
import { type Timings, TIMINGS } from './connection/timings.js'
import type { Barrier } from './failover/barrier.js'
import { Failover, type FailoverChange } from './failover/failover.js'
import { Register } from './failover/register.js'
import { assertSameServer } from './failover/same-server.js'
import { ShardTerms } from './failover/shard-terms.js'
import { Feeds } from './log/feeds.js'
import { LogStore, refuse } from './log/log-store.js'
import { MemberStore } from './members/member-store.js'
import { RedisMembers } from './members/members.js'
import { Names } from './names.js'
import { InstanceMessages } from './nodes/instance-messages.js'

/** Settings of {@link RedisBroker}. */
export interface RedisBrokerOptions extends Retention {
  /** The URL of the server, or a host's client, from whose settings the broker makes its own connections. */
  readonly redis: string | RedisClient
  /** The prefix of every key. */
  readonly keyPrefix: string
  /** Overrides of the values in production. */
  readonly timings?: Partial<Timings>
}

const UNSAFE = 'no other instance or replica has confirmed the registration of this instance: if it ends together with the newest data ' +
  'of Redis, acknowledged messages are lost without a gap'

/**
 * Keeps the logs in Redis, so that any number of instances form one messenger. One script appends, numbers and publishes a message;
 * every instance listens to its occupied channels, and delivers only the next message of each log.
 */
export class RedisBroker implements Broker {
  readonly started: Promise<void>
  readonly members: RedisMembers
  readonly #commands: Link
  readonly #notifications: Link
  readonly #barrier: Barrier
  readonly #failover: Failover
  readonly #store: LogStore
  readonly #feeds: Feeds
  readonly #messages: InstanceMessages
  readonly #timers: NodeJS.Timeout[]

  constructor (receiver: Receiver, { redis, keyPrefix, size, ttlMs, timings: given }: RedisBrokerOptions) {
    const timings = { ...TIMINGS, ...given }
    let start!: () => void
    this.started = new Promise((resolve) => { start = resolve })
    const recovery = new Rounds(timings.maxBackoffMs, {
      possible: () => this.#connected && this.#failover.state !== 'closed',
      round: async () => {
        await this.#failover.check()
        await this.#failover.verify()
        start()
        void this.#messages.join()
        await this.#feeds.catchUp()
      }
    })
    const ports = {
      open: () => connect(redis, timings),
      onReady: () => {
        if (!this.#connected) return
        this.#failover.connected()
        this.#feeds.suspectAll()
      },
      onLost: (reason: string) => { this.#failover.lost(reason) }
    }
    const onPublished = (name: string, text: string): void => { this.#messages.receive(name, text) }
    const connection = this.#commands = new Link(timings, { ...ports, onPublished })
    this.#notifications = new Link(timings, { ...ports, onPublished, onMessage: (name, text) => { this.#feeds.notified(name, text) } })
    const names = new Names(keyPrefix, databaseOf(connection.client))
    const isOfCluster = isCluster(connection.client)
    const renew = (): void => { this.members.renew() }
    this.#barrier = isOfCluster ? new ShardTerms(connection as { client: Commands & Cluster }, renew) : new Register({
      connection,
      key: names.register,
      timings,
      requestWitness: () => { this.#messages.requestWitness() },
      onUnsafe: () => { receiver.log?.('warn', UNSAFE) }
    })
    this.#failover = new Failover({
      barrier: this.#barrier,
      verify: (channel, seen, term) => this.#store.verify(channel, seen, term),
      prepare: async (term) => {
        await assertSameServer({ commands: this.#commands, notifications: this.#notifications }, term)
        await this.#messages.announcements.catchUp()
      },
      onChange: (change) => {
        this.#changed(change)
        receiver.statusChanged?.(this.#failover.status)
      }
    })
    this.#store = new LogStore(connection, this.#failover, { names, registered: !isOfCluster, size, ttlMs })
    this.members = new RedisMembers({
      store: new MemberStore(connection, this.#store, names, timings.leaveMs),
      receiver: receiver.members,
      occupied: () => receiver.occupied(),
      timings,
      ready: () => this.ready,
      onError: (text) => { receiver.log?.('error', text) }
    })
    this.#feeds = new Feeds({
      store: this.#store,
      subscriptions: new Subscriptions(this.#notifications, names, timings),
      link: this.#notifications,
      names,
      timings,
      receiver,
      onDue: () => { recovery.due() }
    })
    this.#messages = new InstanceMessages(randomBytes(9).toString('base64url'), {
      commands: connection,
      subscriber: isOfCluster ? connection : this.#notifications,
      names,
      timings,
      claims: receiver.members && this.members,
      count: (channel) => receiver.count(channel),
      occupied: () => receiver.occupied(),
      // The last report is sent after the broker is closed.
      canSend: () => this.#connected && (this.ready || this.#failover.state === 'closed'),
      onAnnouncement: (text) => { receiver.announced(text) },
      onReceiptAsked: (receipt, channel, position) => { receiver.receiptAsked?.(receipt, channel, position) },
      onReceiptReported: (receipt, instance, report) => { receiver.receiptReported?.(receipt, instance, report) },
      onWitnessRequest: () => { void this.#barrier.witnessRequested() }
    })
    this.#timers = [
      every(timings.auditMs, () => this.#audit(), (error) => { receiver.log?.('error', `Redis cannot be audited: ${String((error as Error).stack)}`) }),
      setInterval(() => { void rejectionOf(this.#failover.check()) }, timings.checkMs).unref()
    ]
  }

  get status (): BrokerStatus {
    return this.#failover.status
  }

  get ready (): boolean {
    return this.#failover.state === 'ready'
  }

  async publish (channel: string, message: string, options: PublishOptions = {}): Promise<Published> {
    if (this.#failover.state === 'closed') throw new ClosedError()
    return await this.#store.publish(channel, message, this.count(channel), options)
  }

  read (channel: string, since: Since, limit = Number.MAX_SAFE_INTEGER): Promise<Replay> {
    return this.#feeds.read(channel, since, limit)
  }

  async listen (channel: string): Promise<void> {
    const feed = this.#feeds.add(channel)
    this.#requireReady()
    await this.#feeds.begin(channel, feed)
  }

  unlisten (channel: string): void {
    this.#feeds.remove(channel)
  }

  get receipts (): ReceiptExchange {
    return this.#messages.receipts
  }

  count (channel: string): number {
    return this.#messages.counts.total(channel)
  }

  occupied (): Iterable<string> {
    return this.#messages.counts.channels()
  }

  membershipChanged (channel: string): void {
    this.#messages.counts.changed(channel)
  }

  async announce (text: string, until: number): Promise<void> {
    const { admission } = this.#failover
    await this.#messages.announcements.announce(text, until).catch(refuse)
    this.#failover.assertLasts(admission)
  }

  async close (): Promise<void> {
    if (this.#failover.state === 'closed') return
    const canLeave = this.#commands.ready
    for (const timer of this.#timers) clearInterval(timer)
    this.members.close()
    // Nothing is acknowledged from here on, so that this instance may leave the register.
    this.#failover.close()
    this.#feeds.clear()
    // The server has taken the last report when it has answered a later command.
    this.#messages.counts.stop()
    if (canLeave) await rejectionOf(this.#barrier.leave())
    this.#commands.close()
    this.#notifications.close()
  }

  get #connected (): boolean {
    return this.#commands.ready && this.#notifications.ready
  }

  #requireReady (): void {
    if (!this.ready) throw new EngineUnavailableError(this.#failover.code)
  }

  #changed ({ state, from }: FailoverChange): void {
    if (state === 'verifying' && from !== state) this.#feeds.suspectAll()
    if (state === 'away' || state === 'closed') this.#messages.disconnected()
    if (state === 'ready') this.members.renew()
  }

  /** Finds messages and announcements that were lost silently. */
  async #audit (): Promise<void> {
    if (!this.ready) return
    void this.#messages.join()
    await rejectionOf(this.#messages.announcements.catchUp())
    await this.#feeds.audit()
    await this.members.audit()
  }
}

/** Calls a step periodically, except while the one before is in progress. An unforeseen error is reported, and does not stop the timer. */
function every (ms: number, step: () => Promise<void>, onError: (error: unknown) => void): NodeJS.Timeout {
  let running = false
  return setInterval(() => {
    if (running) return
    running = true
    void step().catch(onError).then(() => { running = false })
  }, ms).unref()
}
