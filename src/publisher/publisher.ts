import { AbortListeners } from './abort-listeners.js'
import type { Publication } from './answer.js'
import { Backlog } from './backlog.js'
import { Dispatcher } from './dispatcher.js'
import { Entry, type Post } from './entry.js'
import { PublishError, PublisherCode } from './errors.js'
import { guarded } from './guarded.js'
import { messageText } from './message-text.js'
import { type PublisherOptions, type PublishOptions, type Settings, settingsOf } from './options.js'

const SECOND_MS = 1_000
const CHANNEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/
const MAX_WAIT_MS = 30_000

/** Publishes the messages of a backend. Made by `createPublisher`. */
export class Publisher {
  readonly #settings: Settings
  readonly #dispatcher: Dispatcher
  readonly #backlog: Backlog
  readonly #onError: ((error: PublishError) => void) | undefined
  readonly #aborts = new AbortListeners()
  readonly #keyPrefix = randomText()
  #keys = 0
  #closed = false

  constructor (options: PublisherOptions) {
    const { signal, onError } = options
    this.#settings = settingsOf(options)
    this.#dispatcher = new Dispatcher(this.#settings)
    this.#backlog = new Backlog(this.#settings, (entry) => { this.#dispatcher.expire(entry) })
    this.#onError = onError && ((error) => { guarded(() => { onError(error) }) })
    if (signal?.aborted === true) this.#abort(signal.reason)
    else signal?.addEventListener('abort', () => { this.#abort(signal.reason) }, { once: true })
  }

  /** Messages that are neither confirmed nor refused yet. */
  get pending (): number {
    return this.#backlog.size
  }

  /**
   * Publishes a message: any JSON value but `null` and `""`, or a {@link RawJson}. Messages of a channel are delivered in the order of
   * the calls. Resolves with the answer of the service; rejects with a {@link PublishError}; never throws.
   */
  publish (channel: string, message: unknown, options: PublishOptions = {}): Promise<Publication> {
    let promise
    try {
      promise = this.#add(channel, message, options)
    } catch (error) {
      const refusal = error as PublishError
      promise = Promise.reject<Publication>(refusal)
      this.#onError?.(refusal)
    }
    // Reported to the callback, so that the promise may be ignored.
    if (this.#onError !== undefined) promise.catch(() => {})
    return promise
  }

  /** Resolves when everything that was published before has settled. Never rejects. */
  async flush (): Promise<void> {
    await Promise.allSettled(this.#backlog.entries.map(({ promise }) => promise))
  }

  /** Takes no further messages, and resolves when the pending ones have settled. Never rejects. */
  async close (): Promise<void> {
    this.#closed = true
    await this.flush()
    this.#dispatcher.stop()
  }

  #add (channel: string, message: unknown, { idempotencyKey, waitMs, signal }: PublishOptions): Promise<Publication> {
    if (this.#closed) throw new PublishError('The publisher is closed', { code: PublisherCode.CLOSED, channel })
    assertChannel(channel)
    const post: Post = {
      channel,
      text: messageText(channel, message),
      key: idempotencyKey === undefined ? `${this.#keyPrefix}-${++this.#keys}` : checkedKey(channel, idempotencyKey),
      waitSeconds: waitMs === undefined ? 0 : secondsOf(channel, waitMs),
      deadline: performance.now() + this.#settings.retryForMs
    }
    if (signal?.aborted === true)
      throw new PublishError('The publish was aborted', { code: PublisherCode.ABORTED, channel, cause: signal.reason })
    const onAbort = (reason: unknown): void => { this.#dispatcher.abort(entry, reason) }
    const entry = new Entry(post, (settled, error) => {
      this.#backlog.delete(settled)
      if (signal !== undefined) this.#aborts.remove(signal, onAbort)
      if (error !== undefined) this.#onError?.(error)
    })
    this.#backlog.assertRoom(channel, entry.bytes)
    this.#backlog.add(entry)
    if (signal !== undefined) this.#aborts.add(signal, onAbort)
    this.#dispatcher.add(entry)
    return entry.promise
  }

  #abort (reason: unknown): void {
    this.#closed = true
    for (const entry of this.#backlog.entries) this.#dispatcher.abort(entry, reason)
    this.#dispatcher.stop()
  }
}

function assertChannel (channel: unknown): void {
  if (typeof channel === 'string' && CHANNEL_NAME.test(channel)) return
  const shown = typeof channel === 'string' ? JSON.stringify(channel) : channel === null ? 'null' : typeof channel
  throw new PublishError(
    `Channel ${shown} is invalid: use 1 to 100 of A-Z a-z 0-9 _ . : @ = + ~ - and begin with a letter, a digit or _`,
    { code: 'MSG_ERR_CHANNEL_INVALID', statusCode: 400, ...typeof channel === 'string' && { channel } }
  )
}

function checkedKey (channel: string, key: unknown): string {
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  throw new PublishError('Idempotency key is invalid: use 1 to 255 printable ASCII characters', {
    code: 'MSG_ERR_IDEMPOTENCY_KEY_INVALID', channel, statusCode: 400
  })
}

function secondsOf (channel: string, waitMs: unknown): number {
  if (typeof waitMs === 'number' && waitMs > 0 && waitMs <= MAX_WAIT_MS) return Math.ceil(waitMs / SECOND_MS)
  throw new PublishError(`waitMs must be a number above 0, at most ${MAX_WAIT_MS}`, { code: PublisherCode.OPTION, channel })
}

/** 96 random bits. */
function randomText (): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (number) => number.toString(36)).join('')
}
