import type { Broker, BrokerStatus, LogEntry, Published, Receiver, Replay, Since } from '../../src/brokers/broker.js'
import { Log } from '../../src/brokers/log.js'
import type { Position } from '../../src/wire/id.js'

/** A broker whose answers are under way until the test lets them arrive. The log itself changes at once. */
export class StubBroker implements Broker {
  /** The node that listens. */
  receiver: Receiver | undefined
  /** Positions from which a read was asked for, in order. */
  readonly reads: Since[] = []
  /** The result of `listen`. */
  listening: Promise<void> = Promise.resolve()
  /** How often it was called. */
  listens = 0
  /** The error with which `read` rejects. */
  refusal: Error | undefined
  unlistened: string[] = []
  closed = false
  /** Channels of which the broker was told that somebody came or left, in order. */
  readonly memberships: string[] = []
  reason = ''
  ready = true
  readonly started = Promise.resolve()
  readonly members = { changed: () => {}, read: async () => await Promise.resolve({ count: 0, members: [] }) }
  #log = new Log('room', 'e')
  /** Epochs under which the log was known before. */
  readonly #past: string[] = []
  #held: (() => void)[] | undefined

  /** From now on the answers wait for {@link release}. */
  hold (): void {
    this.#held ??= []
  }

  /** Resolves the held reads. Each result is the log at the time of its call. */
  release (): void {
    for (const arrive of this.#held?.splice(0) ?? []) arrive()
  }

  /** Resolves the held reads, and later reads at once. */
  resume (): void {
    this.release()
    this.#held = undefined
  }

  /** Appends without telling the node; returns what it would be told. */
  append (message = '0'): LogEntry {
    return this.#log.append(message, { size: 100_000, ttlMs: Infinity }, 0)
  }

  /** Drops all but the last messages. */
  keep (count: number): void {
    while (this.#log.size > count) this.#log.trim()
  }

  get status (): BrokerStatus {
    return { ready: this.ready, reason: this.reason, code: this.reason, failing: !this.ready }
  }

  /** Loses the log; the node is told so. */
  lose (epoch: string): void {
    this.#past.length = 0
    this.#log = new Log('room', epoch)
    this.receiver?.moved('room', this.position)
  }

  /** Goes on with the log under another epoch; the positions that it had under the ones before stay available. */
  carryOver (epoch: string): void {
    this.#past.push(this.#log.epoch)
    const log = new Log('room', epoch)
    for (const { message } of this.#log.read('earliest', Infinity).entries) log.append(message, { size: 100_000, ttlMs: Infinity }, 0)
    this.#log = log
    this.receiver?.moved('room', this.position)
  }

  get position (): Position {
    return { epoch: this.#log.epoch, offset: this.#log.head }
  }

  publish (channel: string, message: string): Promise<Published> {
    const entry = this.append(message)
    this.receiver?.deliver(channel, entry)
    return Promise.resolve({ epoch: entry.epoch, offset: entry.offset, subscribers: this.count(channel) })
  }

  announce (text: string): Promise<void> {
    this.receiver?.announced(text)
    return Promise.resolve()
  }

  count (channel: string): number {
    return this.receiver?.count(channel) ?? 0
  }

  occupied (): Iterable<string> {
    return this.receiver?.occupied() ?? []
  }

  membershipChanged (channel: string): void {
    this.memberships.push(channel)
  }

  async read (_channel: string, since: Since, limit = Infinity): Promise<Replay> {
    this.reads.push(since)
    if (this.refusal) throw this.refusal
    const known = typeof since === 'object' && this.#past.includes(since.epoch) ? { epoch: this.#log.epoch, offset: since.offset } : since
    const replay = this.#log.read(known, limit)
    if (this.#held) await new Promise<void>((resolve) => { this.#held?.push(resolve) })
    return replay
  }

  async listen (channel: string): Promise<void> {
    this.listens++
    await this.listening
    this.receiver?.moved(channel, this.position)
  }

  unlisten (channel: string): void {
    this.unlistened.push(channel)
  }

  close (): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}
