import { createHash, randomBytes } from 'node:crypto'
import { EngineUnavailableError, IdempotencyConflictError } from '../../errors.js'
import type { Position } from '../../wire/id.js'
import type { GapReason, Published, Replay, Since } from '../broker.js'
import { IDEMPOTENCY_TTL_MS } from '../idempotency.js'
import type { Retention } from '../log.js'
import { type Commands, isCluster } from './connection.js'
import { Doubts } from './doubts.js'

/** How long the position of an unused log outlives its messages. */
const POSITION_TTL_MS = 86_400_000
/** The same for a log without messages: anybody can ask for a channel, and what that costs must not stay for a day. */
const EMPTY_POSITION_TTL_MS = 300_000
/** Tenures that are remembered; of each server in use the last two at least. */
const MAX_TENURES = 16

/** Settings of {@link LogStore}. */
export interface LogStoreOptions extends Retention {
  /** Before every key and channel in Redis. */
  readonly keyPrefix: string
  /** Verifies a server that took over, so that a command that it refused can be tried again. */
  readonly onTakeover: () => Promise<void>
}

/**
 * The logs in Redis: what the scripts do, as methods. Each rejects with MSG_ERR_ENGINE_UNAVAILABLE for whatever the server or the
 * connection says.
 */
export class LogStore {
  readonly #client: Commands
  readonly #options: LogStoreOptions
  readonly #seed = BigInt(`0x${randomBytes(7).toString('hex')}`).toString(36)
  #proposals = 0
  /** Verified tenures, newest last. */
  #tenures: readonly string[] = []
  /** Logs of which it is not known whether they have what was seen; they are asked before they are used. */
  readonly doubts = new Doubts((channel, { position: { epoch, offset }, tenures }) => (
    this.#client.messengerVerify(...this.#keys(channel), this.#propose(), tenures, epoch, offset)
  ))

  constructor (client: Commands, options: LogStoreOptions) {
    this.#client = client
    this.#options = options
  }

  /** Where the messages of a channel are announced. */
  liveName (channel: string): string {
    return `${this.#options.keyPrefix}{${channel}}:live`
  }

  /** The channel whose messages are announced there. */
  channelOf (liveName: string): string {
    return liveName.slice(this.#options.keyPrefix.length + 1, -'}:live'.length)
  }

  /** Where the nodes say that they are there. */
  get nodesName (): string {
    return `${this.#options.keyPrefix}nodes`
  }

  /** Where the nodes tell each other of their subscribers. */
  get censusName (): string {
    return `${this.#options.keyPrefix}census`
  }

  /** Where what all nodes have to know is announced, and kept under the same name in braces. */
  get noticesName (): string {
    return `${this.#options.keyPrefix}notices`
  }

  get noticesKey (): string {
    return `${this.#options.keyPrefix}{notices}`
  }

  /** Appends, numbers and announces a message in one step. Rejects with MSG_ERR_IDEMPOTENCY_CONFLICT where the key is another message's. */
  async publish (channel: string, message: string, subscribers: number, key: string | undefined): Promise<Published> {
    const { size, ttlMs } = this.#options
    const digest = key === undefined ? '' : createHash('sha256').update(message).digest('base64url')
    const [status, epoch, offset, counted] = await this.#ask(channel, () => this.#client.messengerPublish(
      ...this.#keys(channel), this.#key(channel, `key:${key ?? ''}`),
      message, this.#propose(), this.#admitted, size, ttlMs, this.#positionTtlMs, this.liveName(channel),
      digest, IDEMPOTENCY_TTL_MS, subscribers
    ))
    if (status === 'conflict') throw new IdempotencyConflictError()
    if (status === 'duplicate') return { epoch, offset: Number(offset), subscribers: Number(counted), duplicate: true }
    return { epoch, offset: Number(offset), subscribers }
  }

  /** Reads at most `limit` messages after `since`. */
  async read (channel: string, since: Since, limit: number): Promise<Replay> {
    const from = typeof since === 'string' ? [since, '', 0] : ['after', since.epoch, since.offset]
    const [epoch, head, after, reason, entries] = await this.#ask(channel, () => this.#client.messengerRead(
      ...this.#keys(channel), this.#propose(), this.#admitted, this.#options.ttlMs, this.#positionTtlMs, this.#emptyPositionTtlMs,
      ...from, Math.min(limit, Number.MAX_SAFE_INTEGER)
    ))
    return {
      epoch,
      head: Number(head),
      after: Number(after),
      entries: entries.map(([id, [, message]]) => ({ epoch, offset: Number(id.slice(0, id.indexOf('-'))), message })),
      ...reason !== '' && { reason: reason as GapReason }
    }
  }

  /** The position of a log, which is kept from expiring; `undefined` when the log is gone. */
  async touch (channel: string): Promise<Position | undefined> {
    const [epoch, head] = await unavailable(this.#client.messengerTouch(this.#keys(channel)[0], this.#positionTtlMs, this.#emptyPositionTtlMs))
    return epoch === null ? undefined : { epoch, offset: Number(head) }
  }

  /** The tenures of the masters that answer, as far as they are not admitted. */
  async unverified (): Promise<string[]> {
    const masters = isCluster(this.#client) ? this.#client.nodes('master') : [this.#client]
    const infos = await Promise.allSettled(masters.map(async (master) => await master.info('replication')))
    const tenures = infos.map((info) => info.status === 'fulfilled' ? /master_replid:(\w{12})/.exec(info.value)?.[1] : undefined)
    if (tenures.every((tenure) => tenure === undefined)) throw new Error('no master answers')
    return tenures.filter((tenure) => tenure !== undefined).filter((tenure) => !this.#tenures.includes(tenure))
  }

  /** From now on each log is asked for what was `seen` of it before it is used. */
  doubt (seen: Iterable<[channel: string, position: Position]>): void {
    for (const [channel, position] of seen) if (position.offset > 0) this.doubts.add(channel, { position, tenures: this.#admitted })
  }

  /** The tenures of the servers that may be used, and these, newest last. */
  withAdmitted (tenures: readonly string[]): string[] {
    return [...this.#tenures, ...tenures].slice(-Math.max(MAX_TENURES, 2 * tenures.length))
  }

  /** Uses the servers that are in these tenures from now on. */
  admit (tenures: readonly string[]): void {
    this.#tenures = this.withAdmitted(tenures)
  }

  get #admitted (): string {
    return this.#tenures.join(' ')
  }

  get #positionTtlMs (): number {
    return Math.max(POSITION_TTL_MS, this.#options.ttlMs)
  }

  get #emptyPositionTtlMs (): number {
    return Math.max(EMPTY_POSITION_TTL_MS, this.#options.ttlMs)
  }

  #key (channel: string, name: string): string {
    return `${this.#options.keyPrefix}{${channel}}:${name}`
  }

  #keys (channel: string): [meta: string, log: string] {
    return [this.#key(channel, 'meta'), this.#key(channel, 'log')]
  }

  /** An epoch that was never proposed before: a proposal may be taken and the answer lost, so that none is made twice. */
  #propose (): string {
    return `${this.#seed}-${(this.#proposals++).toString(36)}`
  }

  async #ask<T> (channel: string, command: () => Promise<T>): Promise<T> {
    try {
      if (this.doubts.has(channel)) await this.doubts.settle(channel)
      return await command()
    } catch (error) {
      if (!(error as Error).message.startsWith('UNVERIFIED')) throw new EngineUnavailableError((error as Error).message)
    }
    await unavailable(this.#options.onTakeover())
    return await unavailable(this.doubts.settle(channel).then(command))
  }
}

/** Turns whatever the server or the connection says into the error that publishers know. */
export async function unavailable<T> (answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw new EngineUnavailableError((error as Error).message)
  }
}
