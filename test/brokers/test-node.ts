import type { Broker, CreateBroker, LogEntry, Receiver } from '../../src/brokers/broker.js'
import { eventually } from './redis/eventually.js'

/** A node of a messenger as its broker sees it: it counts subscribers and keeps what it is handed. */
export class TestNode implements Receiver {
  readonly broker: Broker
  /** What was handed to the node, by channel. */
  readonly #delivered = new Map<string, LogEntry[]>()
  readonly #subscribers = new Map<string, number>()
  /** The channels whose messages were lost, in the order in which that was told. */
  readonly resets: string[] = []
  /** What the node was shown, in the order in which it was. */
  readonly notices: string[] = []

  /** Called with each message, before anything else can happen. */
  onDeliver: (() => void) | undefined

  constructor (createBroker: CreateBroker) {
    this.broker = createBroker(this)
  }

  deliver (channel: string, entry: LogEntry): void {
    this.delivered(channel).push(entry)
    this.onDeliver?.()
  }

  reset (channel: string): void {
    this.resets.push(channel)
  }

  notice (text: string): void {
    this.notices.push(text)
  }

  count (channel: string): number {
    return this.#subscribers.get(channel) ?? 0
  }

  occupied (): Iterable<string> {
    return this.#subscribers.keys()
  }

  delivered (channel: string): LogEntry[] {
    let entries = this.#delivered.get(channel)
    if (entries === undefined) this.#delivered.set(channel, entries = [])
    return entries
  }

  offsets (channel: string): number[] {
    return this.delivered(channel).map(({ offset }) => offset)
  }

  messages (channel: string): string[] {
    return this.delivered(channel).map(({ message }) => message)
  }

  /** Adds a subscriber; the first one makes the node listen. */
  async join (channel: string): Promise<void> {
    const subscribers = this.count(channel)
    this.#subscribers.set(channel, subscribers + 1)
    const listening = subscribers === 0 ? this.broker.listen(channel) : undefined
    this.broker.membershipChanged(channel)
    await listening
  }

  /** Takes a subscriber away; the last one makes the node stop listening. */
  leave (channel: string): void {
    const subscribers = this.count(channel) - 1
    if (subscribers > 0) this.#subscribers.set(channel, subscribers)
    else this.#subscribers.delete(channel)
    this.broker.membershipChanged(channel)
    if (subscribers === 0) this.broker.unlisten(channel)
  }

  /** Publishes messages `first` to `last` one after the other. */
  async publish (channel: string, first: number, last = first): Promise<void> {
    for (let number = first; number <= last; number++) await this.broker.publish(channel, String(number))
  }

  /** Resolves when the node was handed so many messages of the channel. */
  async handed (channel: string, count: number): Promise<void> {
    await eventually(`${count} messages of ${channel}, but ${this.delivered(channel).length}`, () => this.delivered(channel).length >= count)
  }

  /** Resolves when the broker is ready, or not ready. */
  async turned (ready: boolean): Promise<void> {
    await eventually(ready ? 'ready' : 'not ready', () => this.broker.ready === ready)
  }
}

/** The numbers from `first` to `last`. */
export function range (first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
