import { PublishError, type PublishErrorDetails, PublisherCode } from './errors.js'
import type { Publication } from './answer.js'

/** Room for the braces, names and quotes of an entry in a batch. */
const ENTRY_BYTES = 64
const encoder = new TextEncoder()

/** The content of an entry. */
export interface Post {
  readonly channel: string
  /** The message as JSON text. */
  readonly text: string
  readonly key: string
  /** Seconds to wait for receipts; 0: none are asked for. */
  readonly waitSeconds: number
  /** The time at which the attempts end. */
  readonly deadline: number
}

/** A message until its publish has settled. */
export class Entry {
  /** Bytes in the body of a batch, at most. */
  readonly bytes: number
  readonly promise: Promise<Publication>
  attempts = 0
  settled = false
  /** Called when the entry settles within a request. */
  abandoned: (() => void) | undefined
  /** The last failed attempt. */
  #last: PublishError | undefined
  #maybeDelivered = false
  #settlement!: { readonly resolve: (publication: Publication) => void, readonly reject: (error: PublishError) => void }
  readonly #onSettled: (entry: Entry, error: PublishError | undefined) => void

  constructor (readonly post: Post, onSettled: (entry: Entry, error: PublishError | undefined) => void) {
    const { channel, text, key } = post
    this.bytes = ENTRY_BYTES + channel.length + 2 * key.length + encoder.encode(text).length
    this.#onSettled = onSettled
    this.promise = new Promise((resolve, reject) => { this.#settlement = { resolve, reject } })
  }

  /** The entry in the body of a batch. */
  get json (): string {
    const { channel, text, key } = this.post
    return `{"channel":${JSON.stringify(channel)},"idempotencyKey":${JSON.stringify(key)},"message":${text}}`
  }

  sent (publication: Publication): void {
    if (this.#settle(undefined)) this.#settlement.resolve(publication)
  }

  /** Notes a failed attempt. */
  failed (error: PublishError): void {
    this.attempts++
    this.#last = error
    this.#maybeDelivered ||= error.maybeDelivered
  }

  /** Rejects with an answer that is final. An earlier attempt may have delivered the message all the same. */
  refuse (message: string, details: PublishErrorDetails): void {
    const maybeDelivered = this.#maybeDelivered || details.maybeDelivered === true
    const error = new PublishError(message, { ...details, channel: this.post.channel, maybeDelivered })
    if (this.#settle(error)) this.#settlement.reject(error)
  }

  /** Rejects because the time for repetitions is over. */
  expire (retryForMs: number): void {
    const last = this.#last
    const unknown = this.#maybeDelivered
      ? 'it may have been delivered, and a repetition now could deliver it twice'
      : 'it was not delivered'
    const reason = last === undefined ? '' : ` (${last.message})`
    this.refuse(`The message was not confirmed within ${retryForMs / 1_000} s${reason}: ${unknown}`, {
      code: PublisherCode.UNCONFIRMED, statusCode: last?.statusCode, cause: last
    })
  }

  abort (reason: unknown, inRequest: boolean): void {
    this.refuse('The publish was aborted', { code: PublisherCode.ABORTED, cause: reason, maybeDelivered: inRequest })
  }

  #settle (error: PublishError | undefined): boolean {
    if (this.settled) return false
    this.settled = true
    this.#onSettled(this, error)
    this.abandoned?.()
    return true
  }
}
