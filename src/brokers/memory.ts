import { randomBytes } from 'node:crypto'
import { ClosedError } from '../errors.js'
import { ownText } from '../wire/text.js'
import { type Broker, type BrokerStatus, CLOSED_STATUS, type Published, type PublishOptions, READY_STATUS, type Receiver, type Replay, type Since } from './broker.js'
import { IdempotencyKeys } from './idempotency.js'
import { LogList } from './log-list.js'
import { Log, type Retention } from './log.js'

/** What a log occupies besides its messages and the channel's name: objects and places in the tables. */
const LOG_OVERHEAD_BYTES = 400
/** How long the position of an unused log outlives its messages, so that a client that missed nothing is told so. */
const POSITION_TTL_MS = 3_600_000
const SWEEP_INTERVAL_MS = 5_000

/** Settings of {@link MemoryBroker}. */
export interface MemoryBrokerOptions extends Retention {
  /** All logs together, overhead included; the longest unused go first. */
  readonly maxBytes: number
  /** Milliseconds of a clock that never goes back. Default: `performance.now`. */
  readonly now?: () => number
}

/**
 * Keeps the logs in this process. Every step is synchronous, so that append, number and delivery cannot interleave.
 *
 * A log is in one of four states: occupied and empty (in neither list below), with messages (`#kept`), unused and
 * without messages (`#idle`: its epoch and head are still known), or dropped.
 */
export class MemoryBroker implements Broker {
  readonly started = Promise.resolve()
  readonly #receiver: Receiver
  readonly #options: MemoryBrokerOptions
  readonly #now: () => number
  readonly #logs = new Map<string, Log>()
  readonly #kept = new LogList()
  readonly #idle = new LogList()
  readonly #epochs = new Epochs()
  readonly #keys = new IdempotencyKeys()
  readonly #sweeper: NodeJS.Timeout
  #bytes = 0
  #closed = false

  constructor (receiver: Receiver, options: MemoryBrokerOptions) {
    this.#receiver = receiver
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#sweeper = setInterval(() => { this.sweep() }, Math.min(SWEEP_INTERVAL_MS, Math.max(100, options.ttlMs / 2))).unref()
  }

  get status (): BrokerStatus {
    return this.#closed ? CLOSED_STATUS : READY_STATUS
  }

  get ready (): boolean {
    return !this.#closed
  }

  /** Memory of all logs in bytes, as it is counted against `maxBytes`. */
  get bytes (): number {
    return this.#bytes
  }

  /** Number of logs, those without messages included. */
  get size (): number {
    return this.#logs.size
  }

  // Runs to its end before it returns: nothing is awaited, so that no other publish can come in between.
  async publish (channel: string, message: string, { idempotencyKey: key }: PublishOptions = {}): Promise<Published> {
    if (this.#closed) throw new ClosedError()
    if (key === undefined) return this.#publish(channel, message)
    const now = this.#now()
    const known = this.#keys.find(channel, key, message, now)
    if (known !== undefined) return known
    const published = this.#publish(channel, message)
    this.#keys.remember(channel, key, message, published, now)
    return published
  }

  read (channel: string, since: Since, limit = Infinity): Promise<Replay> {
    const log = this.#logs.get(channel)
    if (log === undefined) return Promise.resolve(new Log(channel, this.#epochs.current).read(since, limit))
    this.#expire(log)
    return Promise.resolve(log.read(since, limit))
  }

  listen (channel: string): Promise<void> {
    const log = this.#logs.get(channel) ?? this.#create(channel)
    log.occupied = true
    // What is bounded by the number of connections is not charged to the history.
    this.#bytes -= overhead(log)
    if (log.list === this.#idle) this.#idle.delete(log)
    this.#receiver.moved(channel, { epoch: log.epoch, offset: log.head })
    return Promise.resolve()
  }

  unlisten (channel: string): void {
    const log = this.#logs.get(channel)
    if (!log?.occupied) return
    log.occupied = false
    log.usedAt = this.#now()
    this.#bytes += overhead(log)
    // Nothing was ever published: a later log under the same epoch is the same log, so nothing needs to be remembered.
    if (log.head === 0) this.#drop(log)
    else this.#file(log)
  }

  count (channel: string): number {
    return this.#receiver.count(channel)
  }

  membershipChanged (): void {}

  /** There is no node that comes later. */
  announce (text: string): Promise<void> {
    this.#receiver.announced(text)
    return Promise.resolve()
  }

  close (): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    this.#logs.clear()
    this.#bytes = 0
    return Promise.resolve()
  }

  /** Lets go of what has outlived its time. Runs by itself every few seconds. */
  sweep (): void {
    const now = this.#now()
    this.#keys.expire(now)
    for (let log = this.#kept.first; log && log.usedAt < now - this.#options.ttlMs; log = this.#kept.first) this.#clear(log)
    const forgotten = now - Math.max(POSITION_TTL_MS, this.#options.ttlMs)
    for (let log = this.#idle.first; log && log.usedAt < forgotten; log = this.#idle.first) this.#drop(log)
  }

  #publish (channel: string, message: string): Published {
    const log = this.#logs.get(channel) ?? this.#create(channel)
    const before = log.bytes
    const entry = log.append(message, this.#options, this.#now())
    this.#bytes += log.bytes - before
    this.#file(log)
    if (this.#bytes > this.#options.maxBytes) this.#evict(log)
    const subscribers = this.#receiver.count(channel)
    if (subscribers > 0) this.#receiver.deliver(channel, entry)
    return { epoch: entry.epoch, offset: entry.offset, subscribers }
  }

  #create (channel: string): Log {
    // The name is a part of the URL that it came in.
    const log = new Log(ownText(channel), this.#epochs.current)
    this.#logs.set(log.channel, log)
    this.#bytes += overhead(log)
    return log
  }

  /** Puts a log at the end of the list that its state asks for. */
  #file (log: Log): void {
    if (log.size > 0) this.#kept.push(log)
    else if (!log.occupied) this.#idle.push(log)
    else log.list?.delete(log)
  }

  #expire (log: Log): void {
    const before = log.bytes
    log.expire(this.#now() - this.#options.ttlMs)
    this.#bytes += log.bytes - before
    if (before > 0 && log.size === 0) this.#file(log)
  }

  /** Frees memory until the logs fit again; of the log in use only as much as must be. */
  #evict (used: Log): void {
    while (this.#bytes > this.#options.maxBytes) {
      const log = this.#idle.first ?? this.#kept.first
      if (log === undefined || (log === used && used.size === 0)) return
      if (log === used) this.#shrink(log)
      else if (log.occupied) this.#clear(log)
      else this.#drop(log)
    }
  }

  #shrink (log: Log): void {
    const before = log.bytes
    while (log.size > 0 && this.#bytes - before + log.bytes > this.#options.maxBytes) log.trim()
    this.#bytes += log.bytes - before
    if (before > 0 && log.size === 0) this.#file(log)
  }

  #clear (log: Log): void {
    this.#bytes -= log.bytes
    log.clear()
    this.#file(log)
  }

  #drop (log: Log): void {
    this.#logs.delete(log.channel)
    log.list?.delete(log)
    this.#bytes -= log.bytes + overhead(log)
    if (log.head > 0) this.#epochs.rotate()
  }
}

function overhead (log: Log): number {
  return LOG_OVERHEAD_BYTES + log.channel.length
}

/**
 * Epochs for new logs. All logs that are born between two losses share one: an epoch has to differ only from those of
 * earlier logs of the same channel, and that an empty log can be forgotten and reborn under the same epoch is what
 * lets idle channels cost nothing.
 */
class Epochs {
  readonly #seed = BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)
  #count = 0
  current = this.#seed

  rotate (): void {
    this.current = `${this.#seed}-${(++this.#count).toString(36)}`
  }
}
