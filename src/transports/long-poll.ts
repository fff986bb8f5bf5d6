import type { GapReason } from '../wire/events.js'
import { Subscriber } from '../channels/subscriber.js'
import type { Envelope } from '../wire/envelope.js'
import type { Standing } from '../wire/events.js'

const NOTHING = Buffer.alloc(0)

/** The result of a poll: messages, and the id to continue from. */
export interface PollResult {
  readonly envelopes: readonly Envelope[]
  readonly id: string
  readonly reason?: GapReason | undefined
}

/** A subscriber for one answer: it ends with the first messages, with a gap, or when its time is over. */
export class LongPollSubscriber extends Subscriber {
  /** Resolves with the answer, also when the subscription was ended from outside. */
  readonly result: Promise<PollResult>
  readonly #envelopes: Envelope[]
  readonly #deadline: NodeJS.Timeout
  #resolve!: (result: PollResult) => void
  #standing: Standing | undefined
  #done = false

  /** @param waitMs milliseconds until an empty answer. */
  constructor (waitMs: number, limit: number) {
    const envelopes: Envelope[] = []
    // Collects the messages instead of bytes, so that the answer can end at the limit with the id of the last one.
    super((batch) => {
      envelopes.push(...batch.slice(0, limit - envelopes.length))
      return NOTHING
    })
    this.#envelopes = envelopes
    this.result = new Promise((resolve) => { this.#resolve = resolve })
    this.#deadline = setTimeout(() => { this.#finish() }, waitMs)
  }

  override get transport (): 'poll' {
    return 'poll'
  }

  get unsentBytes (): number {
    return 0
  }

  isOpen (): boolean {
    return !this.#done
  }

  write (): void {
    this.#finish()
  }

  drained (): Promise<void> {
    return Promise.resolve()
  }

  announce (standing: Standing): boolean {
    this.#standing = standing
    // In the next event-loop turn, so that the kept messages after the gap are part of the answer.
    if (standing.reason !== undefined) setImmediate(() => { this.#finish() })
    return true
  }

  send (): void {}

  signal (): void {}

  beat (): void {}

  close (): void {
    this.#finish()
  }

  terminate (): void {
    this.#finish()
  }

  #finish (): void {
    if (this.#done) return
    this.#done = true
    clearTimeout(this.#deadline)
    const { id = '', reason } = this.#standing ?? {}
    // A copy: a replay that continues must not add to an answer whose id is decided.
    this.#resolve({ envelopes: [...this.#envelopes], id: this.#envelopes.at(-1)?.id ?? id, reason })
  }
}
