import { type Broker, type BrokerStatus, CLOSED_STATUS, type CreateBroker, type LogEntry, type Receiver, type Replay } from '../../src/brokers/broker.js'
import type { Position } from '../../src/wire/id.js'
import { eventually, turn } from '../eventually.js'

/** A node of a messenger as its broker sees it: it counts subscribers and keeps what it is handed. */
export class TestNode implements Receiver {
  readonly broker: Broker
  /** The delivered entries, by channel. */
  readonly #delivered = new Map<string, LogEntry[]>()
  readonly #subscribers = new Map<string, number>()
  /** Where the node stands in each channel that it listens to. */
  readonly #positions = new Map<string, Position>()
  /** Comparisons of a position with the log that are under way. */
  readonly #comparing = new Set<Promise<void>>()
  /** The calls of `moved`, in order. */
  readonly moves: (Position & { channel: string })[] = []
  /** The channels that had no more what followed the position of the node when it was moved, in the order in which that showed. */
  readonly gaps: string[] = []
  /** Every status that the broker told of. */
  readonly statuses: BrokerStatus[] = []
  /** How many of them were told of before `turned` resolved last. */
  #told = 0
  /** Lines for the log. */
  readonly lines: string[] = []
  /** The announcements, in order. */
  readonly announcements: string[] = []

  /** Called with each message, before anything else can happen. */
  onDeliver: (() => void) | undefined

  constructor (createBroker: CreateBroker) {
    this.broker = createBroker(this)
  }

  deliver (channel: string, entry: LogEntry): void {
    this.delivered(channel).push(entry)
    this.#positions.set(channel, { epoch: entry.epoch, offset: entry.offset })
    this.onDeliver?.()
  }

  /** Asks, like a subscriber would, whether the log goes on from where this node was. */
  moved (channel: string, position: Position): void {
    const before = this.#positions.get(channel)
    this.moves.push({ channel, ...position })
    this.#positions.set(channel, position)
    if (before === undefined) return
    const comparing = this.#compare(channel, before).finally(() => { this.#comparing.delete(comparing) })
    this.#comparing.add(comparing)
  }

  /** The gaps, once every comparison has come to an end. */
  async told (): Promise<string[]> {
    while (this.#comparing.size > 0) await Promise.all(this.#comparing)
    return this.gaps
  }

  statusChanged (status: BrokerStatus): void {
    this.statuses.push(status)
  }

  log (level: string, text: string): void {
    this.lines.push(`${level}: ${text}`)
  }

  announced (text: string): void {
    this.announcements.push(text)
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
    if (subscribers > 0) return
    this.#positions.delete(channel)
    this.broker.unlisten(channel)
  }

  /** Publishes messages `first` to `last` one after the other. */
  async publish (channel: string, first: number, last = first): Promise<void> {
    for (let number = first; number <= last; number++) await this.broker.publish(channel, String(number))
  }

  /** Resolves when the node was handed so many messages of the channel. */
  async handed (channel: string, count: number): Promise<void> {
    await eventually(() => this.delivered(channel).length >= count, { message: () => `${count} messages of ${channel}, but ${this.delivered(channel).length}` })
  }

  /** Resolves when the broker is ready, or is not ready or was not since this was called last: that may be over in no time. */
  async turned (ready: boolean): Promise<void> {
    const from = this.#told
    await eventually(() => {
      return this.broker.ready === ready || (!ready && this.statuses.slice(from).some((status) => !status.ready))
    }, { message: `${ready ? 'ready' : 'not ready'}: ${this.statuses.map(({ reason }) => reason).join(', ')}` })
    this.#told = this.statuses.length
  }

  async #compare (channel: string, position: Position): Promise<void> {
    for (let reason: string | undefined; ;) {
      try {
        ({ reason } = await this.broker.read(channel, position, 0))
      } catch {
        // A read may be refused before the broker hears of the lost connection, which takes a turn of the event loop.
        await turn()
        // A broker that was closed meanwhile is never ready again.
        await eventually(() => this.broker.ready || this.broker.status === CLOSED_STATUS, { message: `ready, to read ${channel} on` })
        if (!this.broker.ready) return
        continue
      }
      if (reason !== undefined) this.gaps.push(channel)
      return
    }
  }
}

/** Entries without their times, which a test cannot know. */
export function untimed (entries: readonly LogEntry[]): LogEntry[] {
  return entries.map(({ epoch, offset, message }) => ({ epoch, offset, message }))
}

/** A stretch of a log without the times of its entries. */
export function untimedReplay (replay: Replay): Replay {
  return { ...replay, entries: untimed(replay.entries) }
}

/** The numbers from `first` to `last`. */
export function range (first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
