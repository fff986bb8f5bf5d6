import type { ReceiptReport } from '../brokers/broker.js'
import type { Subscriber } from './subscriber.js'

/** Subscribers of a channel above which nothing waits for their acknowledgements. */
export const MAX_RECEIPT_SUBSCRIBERS = 1_000

/** A message that asks for receipts. */
export interface ReceiptMessage {
  /** The reference of the wait for them. */
  readonly receipt: string
  readonly channel: string
  readonly id: string
  readonly offset: number
}

/** The receipts of a message on this instance: its subscribers at the hand-over and their acknowledgements. */
export class ReceiptTally {
  /** The arrival of the message, in the time of `performance.now()`. */
  readonly startedAt = performance.now()
  /** Ends the wait for acknowledgements. */
  expiry: NodeJS.Timeout | undefined
  /** The subscribers that may still acknowledge; `undefined` once nothing waits for them. */
  #waiting: Set<Subscriber> | undefined = new Set()
  #counted = 0
  #unable = 0
  #handedOver = false
  #latenciesMs: number[] = []

  /** @param onChange called after the hand-over and after each change behind it */
  constructor (readonly message: ReceiptMessage, private readonly onChange: (tally: ReceiptTally) => void) {}

  /** Number of subscribers that may still acknowledge. */
  get open (): number {
    return this.#waiting?.size ?? 0
  }

  /** Whether nothing changes any more. */
  get isSettled (): boolean {
    return this.#handedOver && this.open === 0
  }

  /**
   * Counts a subscriber at the hand-over. One to which the message was not written reads it from the log, or is closed: neither is an
   * acknowledgement.
   */
  count (subscriber: Subscriber, written: boolean): void {
    if (written) subscriber.allowAcknowledgement()
    if (!subscriber.acknowledges) { this.#unable++; return }
    this.#counted++
    if (written && this.#counted <= MAX_RECEIPT_SUBSCRIBERS) this.#waiting?.add(subscriber)
  }

  /** To be called when every subscriber is counted. */
  handedOver (): void {
    this.#handedOver = true
    this.onChange(this)
  }

  /** Takes the first acknowledgement of a subscriber. */
  acknowledge (subscriber: Subscriber): void {
    if (this.#waiting?.delete(subscriber) !== true) return
    this.#latenciesMs.push(performance.now() - this.startedAt)
    if (this.#handedOver) this.onChange(this)
  }

  /** Ends the wait for a subscriber whose subscription has ended. */
  delete (subscriber: Subscriber): void {
    if (this.#waiting?.delete(subscriber) === true && this.#handedOver) this.onChange(this)
  }

  /** Ends the wait for all subscribers. */
  close (): void {
    clearTimeout(this.expiry)
    this.#waiting = undefined
  }

  /** The state with the latencies since the last report. */
  report (): ReceiptReport {
    const latenciesMs = this.#latenciesMs
    this.#latenciesMs = []
    return { counted: this.#counted, unable: this.#unable, open: this.open, elapsedMs: performance.now() - this.startedAt, latenciesMs }
  }
}
