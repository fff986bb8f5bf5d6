import type { FastifyError } from '@fastify/error'
import type { Broker, PublishOptions } from '../brokers/broker.js'
import { ChannelInvalidError, ChannelReservedError, ClosedError, IdempotencyKeyInvalidError, MessageTooLargeError } from '../errors.js'
import { formatId } from '../wire/id.js'
import { messageText } from '../wire/json.js'
import { isChannelName } from './name.js'

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
    if (typeof channel !== 'string' || !isChannelName(channel)) throw new ChannelInvalidError(JSON.stringify(channel))
    if (this.rules.reserved.has(channel)) throw new ChannelReservedError(JSON.stringify(channel))
  }

  async publish (entry: BatchEntry): Promise<Publication> {
    return await this.#append(this.#prepare(entry))
  }

  /** Publishes all or, when one of them is invalid, none; the error names its index. */
  async publishAll (entries: readonly BatchEntry[]): Promise<BatchResult[]> {
    const prepared = entries.map((entry, index) => {
      try {
        return this.#prepare(entry)
      } catch (error) {
        (error as FastifyError).message = `Entry ${index}: ${(error as FastifyError).message}`
        throw error
      }
    })
    // Handed over in one go and in order; only the answers are waited for.
    const results = await Promise.allSettled(prepared.map((entry) => this.#append(entry)))
    return results.map((result, index) => {
      const { channel } = prepared[index] as Prepared
      return result.status === 'fulfilled' ? { channel, ...result.value } : { channel, error: result.reason as FastifyError }
    })
  }

  #prepare ({ channel, message, idempotencyKey }: BatchEntry): Prepared {
    this.assertName(channel)
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) throw new IdempotencyKeyInvalidError()
    const text = messageText(message)
    if (Buffer.byteLength(text) > this.rules.maxMessageBytes) throw new MessageTooLargeError(this.rules.maxMessageBytes)
    return { channel, text, options: { idempotencyKey } }
  }

  async #append ({ channel, text, options }: Prepared): Promise<Publication> {
    if (this.closed) throw new ClosedError()
    const { epoch, offset, subscribers, duplicate } = await this.broker.publish(channel, text, options)
    const id = formatId(epoch, offset)
    return duplicate ? { id, subscribers, duplicate } : { id, subscribers }
  }
}
