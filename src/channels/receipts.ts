import type { Broker, LogEntry, Published, PublishOptions, Receiver, ReceiptReport } from '../brokers/broker.js'
import { formatId, type Position } from '../wire/id.js'
import { formatReference, parseReference } from '../wire/receipt.js'
import type { Channel } from './channel.js'
import { MAX_RECEIPT_SUBSCRIBERS, ReceiptTally } from './receipt-tally.js'
import { type ReceiptCounts, ReceiptWait } from './receipt-wait.js'
import type { Subscriber } from './subscriber.js'

/** Publishers of this instance that may wait for receipts at a time. */
const MAX_WAITS = 1_000
/** Messages whose acknowledgements this instance may wait for at a time, those of other instances included. */
const MAX_TALLIES = 10_000
/** Time for which acknowledgements are collected before they are reported to another instance. */
const REPORT_DELAY_MS = 10
/** The id of an instance that has no others. */
const ALONE = 'alone'
/** The report of an instance to which a message is not delivered. */
const NOTHING: ReceiptReport = { counted: 0, unable: 0, open: 0, elapsedMs: 0, latenciesMs: [] }

/** Conditions under which a publisher waits for receipts. */
export interface WaitOptions {
  /** Milliseconds, 1–30,000. */
  readonly waitMs?: number | undefined
  /** Cancels the wait, not the publish. */
  readonly signal?: AbortSignal | undefined
}

/** The answer to a publisher, with the receipts where it has waited for them. */
export interface Acknowledged extends Published {
  readonly receipts?: ReceiptCounts | undefined
}

/** Dependencies of {@link Receipts}. */
export interface ReceiptsPorts {
  readonly broker: () => Pick<Broker, 'publish' | 'count' | 'receipts'>
  /** An occupied channel of this instance. */
  readonly channel: (name: string) => Channel | undefined
}

/**
 * The receipts of this instance: the publishers that wait for them, and the messages whose acknowledgements are counted. Each instance
 * counts its own subscribers and reports to the one that waits.
 */
export class Receipts {
  readonly #ports: ReceiptsPorts
  readonly #waits = new Map<string, ReceiptWait>()
  /** The messages that may still be acknowledged, by channel and id. */
  readonly #tallies = new Map<string, Map<string, ReceiptTally>>()
  #size = 0
  /** The messages of other instances with acknowledgements that are yet to be reported. */
  readonly #due = new Set<ReceiptTally>()
  #timer: NodeJS.Timeout | undefined
  #numbered = 0
  #closed = false

  constructor (ports: ReceiptsPorts) {
    this.#ports = ports
  }

  /** Number of publishers that wait. */
  get waits (): number {
    return this.#waits.size
  }

  /** Number of messages that may still be acknowledged. */
  get size (): number {
    return this.#size
  }

  /** Publishes a message and waits for its receipts, where that is possible. Rejects as `Broker.publish` does. */
  async publish (channel: string, text: string, options: PublishOptions & WaitOptions): Promise<Acknowledged> {
    const broker = this.#ports.broker()
    const { waitMs = 0, signal } = options
    if (this.#closed || this.#waits.size >= MAX_WAITS || broker.count(channel) > MAX_RECEIPT_SUBSCRIBERS)
      return await broker.publish(channel, text, options)
    const receipt = formatReference({ instance: this.#instance, waitMs: Math.ceil(waitMs) }, this.#numbered++)
    const wait = new ReceiptWait(waitMs, signal)
    this.#waits.set(receipt, wait)
    try {
      // Not awaited without need: messages keep the order in which they are published.
      const opening = broker.receipts?.open()
      if (opening !== undefined) await opening
      const published = await broker.publish(channel, text, { ...options, receipt })
      if (published.duplicate) return published
      void this.#expect(wait, receipt, channel, published)
      await wait.ended
      const tally = this.#tallies.get(channel)?.get(formatId(published.epoch, published.offset))
      if (tally !== undefined) {
        // Where the wait ends amid the hand-over, it is yet to report.
        wait.report(this.#instance, tally.report(), tally.startedAt - wait.startedAt)
        this.#close(tally)
      }
      return { ...published, receipts: wait.counts }
    } finally {
      wait.end()
      this.#waits.delete(receipt)
    }
  }

  /** Begins to count the subscribers of a message that asks for receipts and is yet to be handed over. */
  begin (channel: string, { epoch, offset, receipt = '' }: LogEntry): ReceiptTally {
    const tally = new ReceiptTally({ receipt, channel, id: formatId(epoch, offset), offset }, (changed) => { this.#changed(changed) })
    const { instance, waitMs } = parseReference(receipt) ?? {}
    const isAwaited = instance === this.#instance ? this.#waits.has(receipt) : instance !== undefined
    if (!isAwaited || this.#size >= MAX_TALLIES) { tally.close(); return tally }
    let tallies = this.#tallies.get(channel)
    if (tallies === undefined) this.#tallies.set(channel, tallies = new Map<string, ReceiptTally>())
    tallies.set(tally.message.id, tally)
    this.#size++
    tally.expiry = setTimeout(() => { this.#close(tally) }, waitMs).unref()
    return tally
  }

  /** Takes an acknowledgement of a subscriber; ignored where nothing waits for it. */
  acknowledge (subscriber: Subscriber, id: string): void {
    if (subscriber.channel !== undefined) this.#tallies.get(subscriber.channel.name)?.get(id)?.acknowledge(subscriber)
  }

  /** To be called before a subscriber leaves its channel: it acknowledges nothing more. */
  leave (subscriber: Subscriber): void {
    const tallies = subscriber.channel && this.#tallies.get(subscriber.channel.name)
    if (tallies !== undefined) for (const tally of tallies.values()) tally.delete(subscriber)
  }

  /** Answers every publisher that waits, with the receipts until now. Further ones do not wait. */
  close (): void {
    this.#closed = true
    for (const wait of this.#waits.values()) wait.end()
  }

  /** The events of a broker that concern receipts. */
  readonly receiver = {
    receiptAsked: (receipt, channel, position) => {
      if (!this.#isComing(channel, position)) this.#ports.broker().receipts?.report(receipt, NOTHING)
    },
    receiptReported: (receipt, instance, report) => {
      const wait = this.#waits.get(receipt)
      // Half of both ways: the instances have no common clock.
      wait?.report(instance, report, Math.max(0, performance.now() - wait.startedAt - report.elapsedMs) / 2)
    }
  } satisfies Partial<Receiver>

  /** Requests the reports of the instances on a published message. Does not reject. */
  async #expect (wait: ReceiptWait, receipt: string, channel: string, position: Position): Promise<void> {
    const { receipts } = this.#ports.broker()
    wait.expect(this.#instance, this.#ports.channel(channel)?.subscribers.size ?? 0)
    for (const [instance, subscribers] of receipts?.others(channel) ?? []) wait.expect(instance, subscribers)
    if (!this.#isComing(channel, position)) wait.report(this.#instance, NOTHING, 0)
    const reached = await receipts?.ask(receipt, channel, position)
    wait.settleWith(reached === undefined ? undefined : reached + 1)
  }

  /** Whether a published message is yet to be handed over on this instance, or still counted. */
  #isComing (name: string, { epoch, offset }: Position): boolean {
    if (this.#tallies.get(name)?.has(formatId(epoch, offset)) === true) return true
    const channel = this.#ports.channel(name)
    // Without subscribers, before the broker delivers, and where delivery has begun behind the message, it is not delivered.
    return channel !== undefined && channel.epoch !== '' && (channel.epoch !== epoch || channel.offset < offset)
  }

  /** Called at the end of the hand-over and after each change behind it. */
  #changed (tally: ReceiptTally): void {
    const { receipt } = tally.message
    if (parseReference(receipt)?.instance === this.#instance) {
      const wait = this.#waits.get(receipt)
      wait?.report(this.#instance, tally.report(), tally.startedAt - wait.startedAt)
    } else {
      this.#due.add(tally)
      if (!tally.isSettled) this.#timer ??= setTimeout(() => { this.#reportAll() }, REPORT_DELAY_MS).unref()
    }
    if (tally.isSettled) this.#close(tally)
  }

  #reportAll (): void {
    this.#timer = undefined
    for (const tally of this.#due) this.#report(tally)
  }

  #report (tally: ReceiptTally): void {
    if (this.#due.delete(tally)) this.#ports.broker().receipts?.report(tally.message.receipt, tally.report())
  }

  /** Ends the count of a message. */
  #close (tally: ReceiptTally): void {
    this.#report(tally)
    tally.close()
    const { channel, id } = tally.message
    const tallies = this.#tallies.get(channel)
    if (tallies?.get(id) !== tally) return
    tallies.delete(id)
    this.#size--
    if (tallies.size === 0) this.#tallies.delete(channel)
  }

  get #instance (): string {
    return this.#ports.broker().receipts?.instance ?? ALONE
  }
}
