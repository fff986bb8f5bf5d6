import type { LogEntry } from '../brokers/broker.js'
import { type Encode, type Envelope, wrap } from '../wire/envelope.js'
import type { ReceiptTally } from './receipt-tally.js'
import { REPLAYING, type Subscriber } from './subscriber.js'

/** A batch is closed to further messages at this size, so that one write is bounded and sockets can drain in between. */
const MAX_BATCH_BYTES = 131_072

/** A run of messages without holes that goes to each subscriber in one write. */
export class Batch {
  readonly epoch: string
  /** Offset before the first message: the position of a subscriber that needs all of the batch. */
  readonly before: number
  /** Offset of the last message. */
  last: number
  /** Those of the messages that ask for receipts, where there are any. */
  tallies: ReceiptTally[] | undefined
  readonly #channel: string
  readonly #envelopes: Envelope[] = []
  readonly #encoded = new Map<Encode, Buffer>()
  #length = 0

  constructor (channel: string, first: LogEntry, tally?: ReceiptTally) {
    this.#channel = channel
    this.epoch = first.epoch
    this.before = this.last = first.offset - 1
    this.add(first, tally)
  }

  /** Takes the message when it is the next one, there is room and nothing was encoded yet; returns whether it did. */
  add (entry: LogEntry, tally?: ReceiptTally): boolean {
    if (entry.epoch !== this.epoch || entry.offset !== this.last + 1) return false
    if (this.#length >= MAX_BATCH_BYTES || this.#encoded.size > 0) return false
    const envelope = wrap(this.#channel, entry, tally !== undefined)
    this.#envelopes.push(envelope)
    this.#length += envelope.text.length
    this.last = entry.offset
    if (tally !== undefined) (this.tallies ??= []).push(tally)
    return true
  }

  /** The whole batch as bytes of a transport; made once and shared. Closes the batch to further messages. */
  bytes (encode: Encode): Buffer {
    let bytes = this.#encoded.get(encode)
    if (bytes === undefined) this.#encoded.set(encode, bytes = encode(this.#envelopes))
    return bytes
  }

  /**
   * Counts a subscriber for the messages that ask for receipts, except for those that it had. `offset` is that before the hand-over.
   * To be called only where there are {@link tallies}, as {@link handedOver} is: most batches have none.
   */
  count (subscriber: Subscriber, offset: number, written: boolean): void {
    const had = subscriber.epoch === this.epoch ? offset : REPLAYING
    for (const tally of this.tallies as ReceiptTally[]) if (tally.message.offset > had) tally.count(subscriber, written)
  }

  /** To be called when every subscriber is counted. */
  handedOver (): void {
    for (const tally of this.tallies as ReceiptTally[]) tally.handedOver()
  }

  /** The messages after `offset` as bytes of a transport, for a subscriber that joined within the batch. */
  bytesAfter (offset: number, encode: Encode): Buffer {
    return encode(this.#envelopes.slice(offset - this.before))
  }
}
