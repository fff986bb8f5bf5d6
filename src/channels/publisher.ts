import type { FastifyError } from '@fastify/error'
import type { PublishOptions } from '../brokers/broker.js'
import { BatchInvalidError, IdempotencyKeyInvalidError, MessageTooLargeError, WaitInvalidError } from '../errors.js'
import { formatId } from '../wire/id.js'
import { messageText, reasonOf } from '../wire/json.js'
import { MAX_WAIT_MS } from '../wire/receipt.js'
import type { Hub } from './hub.js'
import { type ChannelNames, shown } from './name.js'
import type { ReceiptCounts } from './receipt-wait.js'
import type { WaitOptions } from './receipts.js'

const SECOND_MS = 1_000
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/

/** Conditions of a single message. */
export interface PublicationOptions extends Pick<PublishOptions, 'idempotencyKey'> {
  /**
   * Milliseconds, 1–30,000, for which to wait at most for receipts: the acknowledgements of subscribers after their callback has
   * returned. The result then has `received`, `silent` and `unable`, unless it is a duplicate, there are more than 1,000 subscribers,
   * 1,000 publishers wait already or the app closes.
   */
  readonly waitMs?: number | undefined
}

/** The answer to a publisher; with the receipts where it has waited for them. */
export interface Publication extends Partial<ReceiptCounts> {
  /** `"<epoch>:<offset>"`, the id of the message for every subscriber. */
  readonly id: string
  /** Subscribers of the channel when the message was appended. */
  readonly subscribers: number
  /** Set when the idempotency key was known: nothing was published again, the rest is the first answer. */
  readonly duplicate?: true
}

/** A message of a batch. */
export interface BatchEntry extends Pick<PublishOptions, 'idempotencyKey'> {
  readonly channel: string
  /** Any JSON value but `null` and `""`. */
  readonly message: unknown
}

/** The result for one entry of a batch. */
export type BatchResult = { readonly channel: string } & (Publication | { readonly error: FastifyError })

/** The rules for messages. */
export interface PublisherOptions {
  readonly names: ChannelNames
  /** Bytes of a message's JSON text. */
  readonly maxMessageBytes: number
}

/** A valid message in the form for the hub; also the options of its own publish. */
interface Prepared extends PublishOptions, WaitOptions {
  readonly channel: string
  readonly text: string
}

/** Validates messages and passes them to the hub. */
export class Publisher {
  constructor (private readonly hub: Pick<Hub, 'publish' | 'members' | 'traffic'>, private readonly rules: PublisherOptions) {}

  /** @param options with a signal that cancels the wait for receipts, and not the publish */
  async publish (channel: string, message: unknown, options: PublicationOptions & WaitOptions | null | undefined): Promise<Publication> {
    const prepared = this.#prepare(channel, message, options?.idempotencyKey)
    // A caller without types may express the absence of a value as null.
    const waitMs = options?.waitMs ?? undefined
    const began = performance.now()
    if (waitMs === undefined) {
      const publication = await this.#append(prepared, began)
      this.hub.traffic.publishSeconds.observe((performance.now() - began) / SECOND_MS)
      return publication
    }
    if (typeof waitMs !== 'number' || !(waitMs >= 1 && waitMs <= MAX_WAIT_MS)) throw new WaitInvalidError(typeof waitMs === 'number' ? String(waitMs) : shown(waitMs))
    // Not observed: most of its time is the wait for subscribers.
    return await this.#append({ ...prepared, waitMs, signal: options?.signal }, began)
  }

  /** Publishes all or, when one of them is invalid, none; the error names its index. */
  async publishAll (entries: readonly BatchEntry[]): Promise<BatchResult[]> {
    if (!Array.isArray(entries)) throw new BatchInvalidError('it must be a list of entries, each an object of channel and message')
    // Not by map(), which skips empty slots.
    const prepared = Array.from(entries as readonly BatchEntry[], (entry, index) => this.#prepareEntry(entry, index))
    const began = performance.now()
    // All are appended synchronously and in order; only the answers are awaited.
    const results = await Promise.allSettled(prepared.map((entry) => this.#append(entry, began)))
    const succeeded = results.reduce((count, { status }) => status === 'fulfilled' ? count + 1 : count, 0)
    this.hub.traffic.publishSeconds.observe((performance.now() - began) / SECOND_MS, succeeded)
    return results.map((result, index) => {
      const { channel } = prepared[index] as Prepared
      return result.status === 'fulfilled' ? { channel, ...result.value } : { channel, error: result.reason as FastifyError }
    })
  }

  #prepareEntry (entry: BatchEntry, index: number): Prepared {
    if (typeof entry !== 'object' || (entry as unknown) === null)
      throw new BatchInvalidError(`entry ${index} is no object of channel and message`)
    const [channel, message, idempotencyKey] = partsOf(entry, index)
    try {
      return this.#prepare(channel, message, idempotencyKey)
    } catch (error) {
      (error as FastifyError).message = `Entry ${index}: ${(error as FastifyError).message}`
      throw error
    }
  }

  #prepare (channel: string, message: unknown, key: PublishOptions['idempotencyKey'] | null): Prepared {
    this.rules.names.assert(channel)
    const idempotencyKey = key ?? undefined
    if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || !IDEMPOTENCY_KEY.test(idempotencyKey)))
      throw new IdempotencyKeyInvalidError()
    const text = messageText(message)
    if (Buffer.byteLength(text) > this.rules.maxMessageBytes) throw new MessageTooLargeError(this.rules.maxMessageBytes)
    return { channel, text, idempotencyKey }
  }

  async #append (prepared: Prepared, began: number): Promise<Publication> {
    const probe = this.hub.members.probe(prepared.channel, began)
    try {
      const { epoch, offset, subscribers, duplicate, receipts } = await this.hub.publish(prepared.channel, prepared.text, prepared)
      const id = formatId(epoch, offset)
      if (duplicate) return { id, subscribers, duplicate }
      this.hub.traffic.published++
      probe?.end({ epoch, offset })
      return { id, subscribers, ...receipts }
    } finally {
      // Without an effect where it has ended with a position.
      probe?.end()
    }
  }
}

/** The parts of an entry, each read once. */
function partsOf (entry: BatchEntry, index: number): [channel: string, message: unknown, idempotencyKey: BatchEntry['idempotencyKey']] {
  try {
    return [entry.channel, entry.message, entry.idempotencyKey]
  } catch (error) {
    // A getter of the caller has thrown.
    throw new BatchInvalidError(`entry ${index} cannot be read: ${reasonOf(error)}`)
  }
}
