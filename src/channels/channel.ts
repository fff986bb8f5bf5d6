import type { LogEntry } from '../brokers/broker.js'
import type { Traffic } from '../metrics/traffic.js'
import type { Position } from '../wire/id.js'
import { Batch } from './batch.js'
import type { Probe, Sampling } from './probe.js'
import type { ReceiptTally } from './receipt-tally.js'
import { REPLAYING, type Subscriber } from './subscriber.js'

/** Events of a channel that concern one subscriber. */
export interface ChannelEvents {
  /** Called when the unsent bytes of a subscriber are over the limit. */
  onSlow (subscriber: Subscriber): void
  /** Called when messages before the next one are missing for a subscriber. */
  onHole (subscriber: Subscriber): void
  /** Called with a message that asks for receipts before its hand-over; returns their tally. */
  onReceipt? (channel: string, entry: LogEntry): ReceiptTally
}

/** Settings that all channels share. */
export interface ChannelSettings {
  /** Unsent bytes above which a subscriber is too slow. */
  readonly maxBufferedBytes: number
  readonly traffic: Traffic
}

/** The delivery of one batch. */
interface Round {
  readonly batch: Batch
  readonly walk: SetIterator<Subscriber>
  readonly sampling: Sampling | undefined
}

/** An occupied channel on this instance: its subscribers and the messages that wait for delivery. */
export class Channel {
  readonly subscribers = new Set<Subscriber>()
  /** Resolves when the broker delivers this channel to this instance; `undefined` while `listen` has yet to be called, possibly again. */
  listening: Promise<void> | undefined
  /**
   * The last message whose delivery to the subscribers has begun, or the position before the broker's first message; a replay must
   * reach at least this position, in this epoch. The epoch is empty until the broker listens.
   */
  epoch = ''
  offset = 0
  /** A publish to this channel whose way is sampled. */
  probe: Probe | undefined
  readonly #waiting: Batch[] = []
  #round: Round | undefined

  constructor (readonly name: string, private readonly events: ChannelEvents, private readonly settings: ChannelSettings) {}

  /** The counters of the messenger. */
  get traffic (): Traffic {
    return this.settings.traffic
  }

  /** Whether messages wait for delivery. */
  get pending (): boolean {
    return this.#round !== undefined || this.#waiting.length > 0
  }

  /** Continues at another position: each subscriber reads the messages that still wait from the log. */
  move ({ epoch, offset }: Position): void {
    for (const batch of this.#rest) if (batch.tallies !== undefined) this.#forgo(batch)
    this.epoch = epoch
    this.offset = offset
    this.#waiting.length = 0
    this.#round = undefined
  }

  /** Queues a message for the next {@link flush}. */
  deliver (entry: LogEntry): void {
    const tally = entry.receipt === undefined ? undefined : this.events.onReceipt?.(this.name, entry)
    if (this.#waiting.at(-1)?.add(entry, tally) !== true) this.#waiting.push(new Batch(this.name, entry, tally))
  }

  /**
   * Hands waiting messages to the subscribers, at most one batch and to at most `budget` of them; returns the cost in writes to a
   * socket.
   * The next call continues where it stopped. Subscribers that join or leave in between are neither missed nor served twice:
   * a set is iterated in the order of joining, and each subscriber's own offset decides which messages it still needs.
   */
  flush (budget: number): number {
    const round = this.#round ??= this.#begin()
    if (round === undefined) return 0
    const { batch, walk, sampling } = round
    let cost = 0
    for (let handed = 0; handed < budget; handed++) {
      const { value: subscriber, done } = walk.next()
      if (done === true) {
        if (batch.tallies !== undefined) batch.handedOver()
        this.#round = undefined
        return cost
      }
      cost += subscriber.writeCost
      const { offset } = subscriber
      const written = this.#hand(subscriber, batch, sampling)
      if (batch.tallies !== undefined) batch.count(subscriber, offset, written)
    }
    return cost
  }

  /** Writes the messages that still wait to a subscriber that is about to be closed. */
  complete (subscriber: Subscriber): void {
    for (const batch of this.#rest) {
      const { offset } = subscriber
      // Otherwise the subscriber is counted in its turn, unless it is closed before.
      if (this.#hand(subscriber, batch) && batch.tallies !== undefined) batch.count(subscriber, offset, true)
    }
  }

  /** The batches that have not been handed to all subscribers. */
  get #rest (): readonly Batch[] {
    return this.#round === undefined ? this.#waiting : [this.#round.batch, ...this.#waiting]
  }

  /** Begins with the next batch. */
  #begin (): Round | undefined {
    const batch = this.#waiting.shift()
    if (batch === undefined) return undefined
    this.offset = batch.last
    const sampling = this.probe?.sample(batch, this.subscribers.size)
    if (this.probe?.isOver(batch) === true) this.probe = undefined
    return { batch, walk: this.subscribers.values(), sampling }
  }

  /** Hands a batch to a subscriber; returns whether it was written. */
  #hand (subscriber: Subscriber, batch: Batch, sampling?: Sampling): boolean {
    const { offset } = subscriber
    if (offset === REPLAYING) return false
    if (subscriber.epoch !== batch.epoch || offset < batch.before) {
      this.events.onHole(subscriber)
    } else if (subscriber.unsentBytes > this.settings.maxBufferedBytes) {
      this.events.onSlow(subscriber)
    } else if (offset < batch.last) {
      const shared = offset === batch.before && subscriber.sharesBytes
      const bytes = shared ? batch.bytes(subscriber.encode) : batch.bytesAfter(offset, subscriber.encode)
      subscriber.write(sampling === undefined ? bytes : sampling.withPing(subscriber, bytes))
      subscriber.offset = batch.last
      // Not where the connection is closing. A poll, which ends with the write, counts its answer.
      if (subscriber.isOpen()) this.settings.traffic.deliver(batch.last - offset, bytes.length)
      return true
    }
    return false
  }

  /** Ends the hand-over of a batch that the remaining subscribers read from the log. */
  #forgo (batch: Batch): void {
    const remaining = batch === this.#round?.batch ? this.#round.walk : this.subscribers
    for (const subscriber of remaining) batch.count(subscriber, subscriber.offset, false)
    batch.handedOver()
  }
}
