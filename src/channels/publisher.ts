import type { FastifyError } from '@fastify/error'
import type { PublishOptions } from '../brokers/broker.js'
import { BatchInvalidError, IdempotencyKeyInvalidError, MessageTooLargeError } from '../errors.js'
import { formatId } from '../wire/id.js'
import { messageText, reasonOf } from '../wire/json.js'
import type { Hub } from './hub.js'
import type { ChannelNames } from './name.js'

const SECOND_MS = 1_000
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/

/** The answer to a publisher. */
export interface Publication {
  /** `"<epoch>:<offset>"`, the id of the message for every subscriber. */
  readonly id: string
  /** Subscribers of the channel when the message was appended. */
  readonly subscribers: number
  /** Set when the idempotency key was known: nothing was published again, the rest is the first answer. */
  readonly duplicate?: true
}

/** A message of a batch. */
export interface BatchEntry extends PublishOptions {
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

/** A valid message in the form for the broker; also the options of its own publish. */
interface Prepared extends PublishOptions {
  readonly channel: string
  readonly text: string
}

/** Validates messages and passes them to the broker. */
export class Publisher {
  constructor (private readonly hub: Pick<Hub, 'publish' | 'members' | 'traffic'>, private readonly rules: PublisherOptions) {}

  async publish (channel: string, message: unknown, options: PublishOptions | null | undefined): Promise<Publication> {
    const prepared = this.#prepare(channel, message, options?.idempotencyKey)
    const began = performance.now()
    const publication = await this.#append(prepared, began)
    this.hub.traffic.publishSeconds.observe((performance.now() - began) / SECOND_MS)
    return publication
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
    // A caller without types may express the absence of a key as null.
    const idempotencyKey = key ?? undefined
    if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || !IDEMPOTENCY_KEY.test(idempotencyKey)))
      throw new IdempotencyKeyInvalidError()
    const text = messageText(message)
    if (Buffer.byteLength(text) > this.rules.maxMessageBytes) throw new MessageTooLargeError(this.rules.maxMessageBytes)
    return { channel, text, idempotencyKey }
  }

  async #append (prepared: Prepared, began: number): Promise<Publication> {
    const { channel, text } = prepared
    const probe = this.hub.members.probe(channel, began)
    try {
      const published = await this.hub.publish(channel, text, prepared)
      const { epoch, offset, subscribers, duplicate } = published
      const id = formatId(epoch, offset)
      if (duplicate) return { id, subscribers, duplicate }
      this.hub.traffic.published++
      probe?.end(published)
      return { id, subscribers }
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
