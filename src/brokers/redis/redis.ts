import { createHash, randomBytes } from 'node:crypto'
import { Cluster } from 'ioredis'
import { ClosedError, EngineUnavailableError, IdempotencyConflictError } from '../../errors.js'
import type { Position } from '../../wire/id.js'
import type { Broker, GapReason, Published, PublishOptions, Receiver, Replay, Since } from '../broker.js'
import { IDEMPOTENCY_TTL_MS } from '../idempotency.js'
import type { Retention } from '../log.js'
import { Census } from './census.js'
import { type Commands, connect, type RedisClient } from './connection.js'
import { Feed } from './feed.js'
import { Link } from './link.js'
import { Marks } from './marks.js'

/** How long the position of an unused log outlives its messages. */
const POSITION_TTL_MS = 86_400_000
/** How often each channel that is listened to is compared with its log. */
const AUDIT_INTERVAL_MS = 15_000
/** Commands under way at once when all channels are gone through. */
const CONCURRENCY = 256

/** Settings of {@link RedisBroker}. */
export interface RedisBrokerOptions extends Retention {
  /** Where the server is, or a client of the host's, of which connections of the broker's own are made. */
  readonly redis: string | RedisClient
  /** Before every key. */
  readonly keyPrefix: string
}

/**
 * Keeps the logs in Redis, so that any number of nodes is one messenger. What is published is appended, numbered and
 * announced in one script; every node listens to the channels that it has subscribers for, and hands on what is next in
 * the log and nothing else.
 */
export class RedisBroker implements Broker {
  readonly started: Promise<void>
  readonly #receiver: Receiver
  readonly #options: RedisBrokerOptions
  readonly #commands: Link
  readonly #notifications: Link
  readonly #census: Census
  readonly #feeds = new Map<string, Feed>()
  readonly #marks = new Marks()
  readonly #reads = new Map<string, Promise<Replay>>()
  readonly #auditor: NodeJS.Timeout
  /** Tells the server from the one that takes its place; unknown until asked, and nothing is published before. */
  #run: string | undefined
  #lastRun: string | undefined
  #proposedEpoch = newEpoch()
  #closed = false
  #start!: () => void

  constructor (receiver: Receiver, options: RedisBrokerOptions) {
    this.#receiver = receiver
    this.#options = options
    this.started = new Promise((resolve) => { this.#start = resolve })
    const onReady = (): void => { void this.#resume() }
    const onLost = (): void => { this.#run = undefined; this.#census.disconnected() }
    this.#commands = new Link(connect(options.redis), onReady, onLost)
    this.#notifications = new Link(connect(options.redis), onReady, onLost)
    this.#census = new Census(randomBytes(9).toString('base64url'), {
      count: (channel) => receiver.count(channel),
      occupied: () => receiver.occupied(),
      send: (text) => this.#gossip(text)
    })
    this.#notifications.client.on('smessage', (name: string, text: string) => { this.#notified(name, text) })
    this.#notifications.client.on('message', (_name: string, text: string) => { this.#census.receive(text) })
    this.#auditor = setInterval(() => { void this.#audit() }, AUDIT_INTERVAL_MS).unref()
  }

  get ready (): boolean {
    return this.#run !== undefined && this.#commands.ready && this.#notifications.ready
  }

  async publish (channel: string, message: string, { idempotencyKey: key }: PublishOptions = {}): Promise<Published> {
    if (this.#closed) throw new ClosedError()
    const run = this.#requireRun()
    const { keyPrefix, size, ttlMs } = this.#options
    const proposed = this.#proposedEpoch
    const subscribers = this.#census.total(channel)
    const digest = key === undefined ? '' : createHash('sha256').update(message).digest('base64url')
    const [status, epoch, offset, counted] = await available(this.#client.messengerPublish(
      ...this.#keys(channel), `${keyPrefix}{${channel}}:key:${key ?? ''}`,
      message, proposed, run, size, ttlMs, this.#positionTtlMs, this.#liveName(channel), digest, IDEMPOTENCY_TTL_MS, subscribers
    ))
    if (status === 'conflict') throw new IdempotencyConflictError()
    if (status === 'duplicate') return { epoch, offset: Number(offset), subscribers: Number(counted), duplicate: true }
    this.#settle(epoch)
    const position = { epoch, offset: Number(offset) }
    this.#marks.set(channel, position)
    return { ...position, subscribers }
  }

  read (channel: string, since: Since, limit = Number.MAX_SAFE_INTEGER): Promise<Replay> {
    const feed = this.#feeds.get(channel)
    if (feed?.live === true && this.ready && (since === 'now' || isAt(since, feed))) {
      return Promise.resolve({ epoch: feed.epoch, after: feed.offset, head: feed.offset, entries: [] })
    }
    // Those who ask the same at the same time share an answer, so that a gap told to thousands is read once.
    const question = `${channel} ${JSON.stringify(since)} ${limit}`
    let answer = this.#reads.get(question)
    if (answer === undefined) {
      this.#reads.set(question, answer = this.#read(channel, since, limit))
      process.nextTick(() => { this.#reads.delete(question) })
    }
    return answer
  }

  async listen (channel: string): Promise<void> {
    const feed = new Feed({
      read: (since, limit) => this.#read(channel, since, limit),
      deliver: (entry) => { if (this.#feeds.get(channel) === feed) this.#receiver.deliver(channel, entry) },
      reset: () => { if (this.#feeds.get(channel) === feed) this.#receiver.reset(channel) }
    })
    this.#feeds.set(channel, feed)
    this.#requireRun()
    await available(this.#notifications.client.ssubscribe(this.#liveName(channel)))
    await available(feed.start())
  }

  unlisten (channel: string): void {
    const feed = this.#feeds.get(channel)
    if (feed === undefined) return
    this.#feeds.delete(channel)
    if (feed.epoch !== '') this.#marks.set(channel, { epoch: feed.epoch, offset: feed.offset })
    // The server takes this and a later SSUBSCRIBE in the order in which they were sent.
    if (this.#notifications.ready) this.#notifications.client.sunsubscribe(this.#liveName(channel)).catch(() => {})
  }

  count (channel: string): number {
    return this.#census.total(channel)
  }

  membershipChanged (channel: string): void {
    this.#census.changed(channel)
  }

  async close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#auditor)
    this.#census.stop()
    // The farewell is on its way when the server has answered what was sent after it.
    if (this.ready) await this.#client.ping().catch(() => {})
    this.#run = undefined
    this.#commands.close()
    this.#notifications.close()
  }

  get #client (): Commands {
    return this.#commands.client
  }

  get #positionTtlMs (): number {
    return Math.max(POSITION_TTL_MS, this.#options.ttlMs)
  }

  #keys (channel: string): [meta: string, log: string] {
    const { keyPrefix } = this.#options
    return [`${keyPrefix}{${channel}}:meta`, `${keyPrefix}{${channel}}:log`]
  }

  #liveName (channel: string): string {
    return `${this.#options.keyPrefix}{${channel}}:live`
  }

  get #censusName (): string {
    return `${this.#options.keyPrefix}census`
  }

  #requireRun (): string {
    if (!this.ready || this.#run === undefined) throw new EngineUnavailableError('Redis cannot be reached')
    return this.#run
  }

  async #read (channel: string, since: Since, limit: number): Promise<Replay> {
    const run = this.#requireRun()
    const { ttlMs } = this.#options
    const mode = typeof since === 'string' ? [since, '', 0] : ['after', since.epoch, since.offset]
    const [epoch, head, after, reason, entries] = await available(this.#client.messengerRead(
      ...this.#keys(channel), this.#proposedEpoch, run, ttlMs, this.#positionTtlMs, ...mode, Math.min(limit, Number.MAX_SAFE_INTEGER)
    ))
    this.#settle(epoch)
    return {
      epoch,
      head: Number(head),
      after: Number(after),
      entries: entries.map(([id, [, message]]) => ({ epoch, offset: Number(id.slice(0, id.indexOf('-'))), message })),
      ...reason !== '' && { reason: reason as GapReason }
    }
  }

  /** An epoch is proposed until a log takes it, and never for two. */
  #settle (epoch: string): void {
    if (epoch === this.#proposedEpoch) this.#proposedEpoch = newEpoch()
  }

  #notified (name: string, text: string): void {
    const { keyPrefix } = this.#options
    const channel = name.slice(keyPrefix.length + 1, -'}:live'.length)
    const colon = text.indexOf(':')
    const space = text.indexOf(' ')
    this.#feeds.get(channel)?.notify({
      epoch: text.slice(0, colon),
      offset: Number(text.slice(colon + 1, space)),
      message: text.slice(space + 1)
    })
  }

  #gossip (text: string): boolean {
    if (!this.ready) return false
    this.#client.publish(this.#censusName, text).catch(() => {})
    return true
  }

  /** Takes up the work when both connections are usable: nothing is handed on before what was missed. */
  async #resume (): Promise<void> {
    if (!this.#commands.ready || !this.#notifications.ready) return
    try {
      const run = await this.#identify()
      await this.#notifications.client.subscribe(this.#censusName)
      if (this.#lastRun !== undefined && run !== this.#lastRun) await this.#verify(run)
      this.#run = this.#lastRun = run
      await this.#inTurn(this.#feeds, async ([channel, feed]) => {
        await this.#notifications.client.ssubscribe(this.#liveName(channel))
        await feed.catchUp()
      })
      this.#census.connected()
      this.#start()
    } catch {
      // The connection is lost again; the next one begins anew.
    }
  }

  /** What the server, or all masters of a cluster, call themselves since they were started. */
  async #identify (): Promise<string> {
    const nodes = this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client]
    const infos = await Promise.all(nodes.map(async (node) => await node.info('server')))
    return infos.map((info) => /run_id:(\w+)/.exec(info)?.[1]).sort().join(',')
  }

  /** Another server took over: asks it whether it has all that this node saw. */
  async #verify (run: string): Promise<void> {
    const seen = new Map<string, Position>([...this.#marks, ...this.#feeds])
    await this.#inTurn(seen, async ([channel, { epoch, offset }]) => {
      await this.#client.messengerVerify(...this.#keys(channel), newEpoch(), run, epoch, offset)
    })
  }

  /** Keeps the positions of occupied channels from expiring, and finds notifications that were missed without a sign. */
  async #audit (): Promise<void> {
    if (!this.ready) return
    await this.#inTurn(this.#feeds, async ([channel, feed]) => {
      const [epoch, head] = await this.#client.messengerTouch(this.#keys(channel)[0], this.#positionTtlMs)
      if (epoch !== feed.epoch || Number(head) > feed.offset) await feed.catchUp()
    }).catch(() => {})
  }

  /** Goes through channels, some at a time. */
  async #inTurn<T> (channels: Iterable<T>, step: (channel: T) => Promise<void>): Promise<void> {
    const all = [...channels]
    for (let start = 0; start < all.length; start += CONCURRENCY) {
      await Promise.all(all.slice(start, start + CONCURRENCY).map(step))
    }
  }
}

function isAt (since: Since, { epoch, offset }: Position): boolean {
  return typeof since === 'object' && since.epoch === epoch && since.offset === offset
}

function newEpoch (): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`).toString(36)
}

/** Turns whatever the server or the connection says into the error that publishers know. */
async function available<T> (answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof EngineUnavailableError) throw error
    throw new EngineUnavailableError(error instanceof Error ? error.message : String(error))
  }
}
