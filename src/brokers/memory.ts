import { ClosedError } from '../errors.js'
import { companionOf } from '../wire/companion.js'
import {
  type Broker, type BrokerStatus, CLOSED_STATUS, type Published, type PublishOptions, READY_STATUS, type Receiver, type Replay, type Since
} from './broker.js'
import { IdempotencyKeys } from './idempotency.js'
import { MemoryMembers } from './memory-members.js'
import { type MemoryBounds, MemoryLogs } from './memory-logs.js'

const SWEEP_INTERVAL_MS = 5_000

/** Settings of {@link MemoryBroker}. */
export interface MemoryBrokerOptions extends MemoryBounds {
  /** Milliseconds of a monotonic clock. Default: `performance.now`. */
  readonly now?: () => number
}

/** Keeps the logs in this process. Every step is synchronous, so that append, number and delivery cannot interleave. */
export class MemoryBroker implements Broker {
  readonly started = Promise.resolve()
  readonly members: MemoryMembers
  readonly #receiver: Receiver
  readonly #now: () => number
  readonly #logs: MemoryLogs
  readonly #keys = new IdempotencyKeys()
  readonly #sweeper: NodeJS.Timeout
  #closed = false

  constructor (receiver: Receiver, options: MemoryBrokerOptions) {
    this.#receiver = receiver
    this.#now = options.now ?? (() => performance.now())
    this.#logs = new MemoryLogs(options)
    this.members = new MemoryMembers(receiver.members, (channel, message) => { this.#publish(companionOf(channel), message, undefined) })
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
    return this.#logs.bytes
  }

  /** Number of logs, those without messages included. */
  get size (): number {
    return this.#logs.size
  }

  // Awaits nothing, so that no other publish can interleave.
  async publish (channel: string, message: string, { idempotencyKey: key, receipt }: PublishOptions = {}): Promise<Published> {
    if (this.#closed) throw new ClosedError()
    if (key === undefined) return this.#publish(channel, message, receipt)
    return this.#keys.once(channel, key, message, this.#now(), () => this.#publish(channel, message, receipt))
  }

  read (channel: string, since: Since, limit = Infinity): Promise<Replay> {
    return Promise.resolve(this.#logs.read(channel, since, limit, this.#now()))
  }

  listen (channel: string): Promise<void> {
    const { epoch, head } = this.#logs.occupy(channel)
    this.#receiver.moved(channel, { epoch, offset: head })
    return Promise.resolve()
  }

  unlisten (channel: string): void {
    this.#logs.release(channel, this.#now())
  }

  count (channel: string): number {
    return this.#receiver.count(channel)
  }

  occupied (): Iterable<string> {
    return this.#receiver.occupied()
  }

  membershipChanged (): void {}

  /** Keeps nothing: there is no other instance. */
  announce (text: string): Promise<void> {
    this.#receiver.announced(text)
    return Promise.resolve()
  }

  close (): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    this.members.close()
    this.#logs.clear()
    return Promise.resolve()
  }

  /** Removes expired messages, positions and keys. Runs every few seconds. */
  sweep (): void {
    const now = this.#now()
    this.#keys.expire(now)
    this.#logs.sweep(now)
  }

  #publish (channel: string, message: string, receipt: string | undefined): Published {
    const entry = this.#logs.append(channel, message, this.#now())
    const subscribers = this.#receiver.count(channel)
    if (subscribers > 0) this.#receiver.deliver(channel, receipt === undefined ? entry : { ...entry, receipt })
    return { epoch: entry.epoch, offset: entry.offset, subscribers }
  }
}
