import type { FastifyError } from '@fastify/error'
import type { Broker, PublishOptions } from '../brokers/broker.js'
import { BatchInvalidError, ChannelInvalidError, ChannelReservedError, ClosedError, IdempotencyKeyInvalidError, MessageTooLargeError } from '../errors.js'
import { formatId } from '../wire/id.js'
import { messageText, reasonOf } from '../wire/json.js'
import { ASKED_EVERYWHERE, isChannelName, shown } from './name.js'

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/

/** What a publisher gets to know. */
export interface Publication {
  /** `"<epoch>:<offset>"`, the id under which every subscriber gets the message. */
  readonly id: string
  /** Subscribers of the channel when the message was taken. */
  readonly subscribers: number
  /** Set when the idempotency key was known: nothing was published again, the rest is what was said the first time. */
  readonly duplicate?: true
}

/** A message of a batch. */
export interface BatchEntry extends PublishOptions {
  readonly channel: string
  /** Any JSON value but `null` and `""`. */
  readonly message: unknown
}

/** What became of a message of a batch. */
export type BatchResult = { readonly channel: string } & (Publication | { readonly error: FastifyError })

/** The rules for what may be published. */
export interface PublisherOptions {
  /** Names that no channel may have. */
  readonly reserved: ReadonlySet<string>
  /** Bytes of a message's JSON text. */
  readonly maxMessageBytes: number
}

interface Prepared {
  readonly channel: string
  readonly text: string
  readonly options: PublishOptions
}

/** Checks messages and gives them to the broker. */
export class Publisher {
  /** Refuses every message from now on. */
  closed = false

  constructor (private readonly broker: Broker, private readonly rules: PublisherOptions) {}

  /** Throws MSG_ERR_CHANNEL_INVALID or MSG_ERR_CHANNEL_RESERVED for what cannot name a channel. */
  assertName (channel: string): void {
    if (typeof channel !== 'string' || !isChannelName(channel)) throw new ChannelInvalidError(shown(channel))
    if (ASKED_EVERYWHERE.has(channel)) throw new ChannelReservedError(shown(channel), 'what probes and browsers ask every server for: choose another name; the state of this service is at /-/live and /-/ready')
    if (this.rules.reserved.has(channel)) throw new ChannelReservedError(shown(channel), 'the file of that name: choose another name')
  }

  async publish (channel: string, message: unknown, options: PublishOptions | null | undefined): Promise<Publication> {
    return await this.#append(this.#prepare(channel, message, options?.idempotencyKey))
  }

  /** Publishes all or, when one of them is invalid, none; the error names its index. */
  async publishAll (entries: readonly BatchEntry[]): Promise<BatchResult[]> {
    if (!Array.isArray(entries)) throw new BatchInvalidError('it must be a list of entries, each an object of channel and message')
    // Not by map(), which skips what was never set.
    const prepared = Array.from(entries as readonly BatchEntry[], (entry, index) => this.#prepareEntry(entry, index))
    // Handed over in one go and in order; only the answers are waited for.
    const results = await Promise.allSettled(prepared.map((entry) => this.#append(entry)))
    return results.map((result, index) => {
      const { channel } = prepared[index] as Prepared
      return result.status === 'fulfilled' ? { channel, ...result.value } : { channel, error: result.reason as FastifyError }
    })
  }

  #prepareEntry (entry: BatchEntry, index: number): Prepared {
    if (typeof entry !== 'object' || (entry as unknown) === null) throw new BatchInvalidError(`entry ${index} is no object of channel and message`)
    let parts: BatchEntry
    try {
      const { channel, message, idempotencyKey } = entry
      parts = { channel, message, idempotencyKey }
    } catch (error) {
      // A getter that throws is the caller's, and so is what it throws.
      throw new BatchInvalidError(`entry ${index} cannot be read: ${reasonOf(error)}`)
    }
    try {
      return this.#prepare(parts.channel, parts.message, parts.idempotencyKey)
    } catch (error) {
      (error as FastifyError).message = `Entry ${index}: ${(error as FastifyError).message}`
      throw error
    }
  }

  #prepare (channel: string, message: unknown, idempotencyKey: PublishOptions['idempotencyKey'] | null): Prepared {
    this.assertName(channel)
    // A caller without types may say in this way that there is none.
    const key = idempotencyKey ?? undefined
    if (key !== undefined && (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))) throw new IdempotencyKeyInvalidError()
    const text = messageText(message)
    if (Buffer.byteLength(text) > this.rules.maxMessageBytes) throw new MessageTooLargeError(this.rules.maxMessageBytes)
    return { channel, text, options: { idempotencyKey: key } }
  }

  async #append ({ channel, text, options }: Prepared): Promise<Publication> {
    if (this.closed) throw new ClosedError()
    const { epoch, offset, subscribers, duplicate } = await this.broker.publish(channel, text, options)
    const id = formatId(epoch, offset)
    return duplicate ? { id, subscribers, duplicate } : { id, subscribers }
  }
}
