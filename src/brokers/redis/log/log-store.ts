import { hash, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineUnavailableError, IdempotencyConflictError } from '../../../errors.js'
import type { Position } from '../../../wire/id.js'
import type { Published, PublishOptions, Replay, Since } from '../../broker.js'
import { IDEMPOTENCY_TTL_MS } from '../../idempotency.js'
import type { Retention } from '../../log.js'
import { concurrencyLimit } from '../connection/concurrency.js'
import type { Commands } from '../connection/connection.js'
import type { Connection } from '../connection/link.js'
import { codeOf, DamageError, rejectionOf } from '../connection/refusal.js'
import type { Failover } from '../failover/failover.js'
import type { Names } from '../names.js'
import { type Acknowledged, BatchedComparisons } from './batched-comparisons.js'
import { parsePosition, parsePublishAnswer, parseReadAnswer, parseVerifyAnswers, type VerifyAnswer } from './parse.js'

/** Time for which the position of an unused log outlives its messages. */
const POSITION_TTL_MS = 86_400_000
/** The same for a log without messages: any client can name a channel, and its memory must not stay for a day. */
const EMPTY_POSITION_TTL_MS = 300_000
/** Time for which a position of a later epoch than the server's is attributed to a master that this connection has yet to reach. */
const LATER_MS = 2_000
const LATER_POLL_MS = 100
/** Logs that one command compares, in about a millisecond. */
const MAX_COMPARED = 64

/** Settings of {@link LogStore}. */
export interface LogStoreOptions extends Retention {
  readonly names: Names
  /** Whether the scripts can read the register; not in a cluster, where its slot is another. */
  readonly registered: boolean
}

/**
 * The logs in Redis: the scripts as methods. Each rejects with MSG_ERR_ENGINE_UNAVAILABLE for every error of the server or the
 * connection.
 */
export class LogStore {
  readonly #connection: Connection
  readonly #options: LogStoreOptions
  readonly #failover: Failover
  readonly #seed = randomBytes(4).readUInt32BE().toString(36)
  readonly #reads = concurrencyLimit()
  readonly #comparisons: BatchedComparisons<VerifyAnswer | undefined>
  #calls = 0

  constructor (connection: Connection, failover: Failover, options: LogStoreOptions) {
    this.#connection = connection
    this.#failover = failover
    this.#options = options
    // The logs of a cluster are in different slots.
    const max = options.registered ? MAX_COMPARED : 1
    this.#comparisons = new BatchedComparisons(max, async (term, batch) => await this.#compare(term, batch))
  }

  /** Appends a message and publishes its notification, in one step. Rejects with MSG_ERR_IDEMPOTENCY_CONFLICT for another message's key. */
  async publish (
    channel: string, message: string, subscribers: number, { idempotencyKey: key, receipt = '' }: PublishOptions = {}
  ): Promise<Published> {
    const { size, ttlMs, names } = this.#options
    const digest = key === undefined ? '' : hash('sha256', message, 'base64url')
    const { answer, admission } = await this.#ask((term) => this.#client.messengerPublish(
      ...this.#keys(channel), names.result(channel, key ?? ''), term, this.#random(),
      message, size, ttlMs, this.#positionTtlMs, names.live(channel), digest, IDEMPOTENCY_TTL_MS, subscribers, receipt
    ))
    const published = parsePublishAnswer(answer)
    if (published === undefined) throw new EngineUnavailableError('an unexpected answer')
    if (published.status === 'conflict') throw new IdempotencyConflictError()
    // A duplicate is acknowledged like the first message.
    this.#failover.acknowledge(admission, channel, published.current)
    if (published.status === 'sent') return { ...published.current, subscribers }
    return { ...published.first, subscribers: published.subscribers, duplicate: true }
  }

  /** Reads at most `limit` messages after `since`. */
  async read (channel: string, since: Since, limit: number): Promise<Replay> {
    const from = typeof since === 'string' ? [since, '', 0] : ['after', since.epoch, since.offset]
    const ask = async (acceptsLater: 0 | 1): Promise<unknown> => (await this.#ask((term) => this.#client.messengerRead(
      ...this.#keys(channel), term, this.#random(), this.#options.ttlMs, this.#positionTtlMs, this.#emptyPositionTtlMs,
      ...from, Math.min(limit, Number.MAX_SAFE_INTEGER), acceptsLater
    ))).answer
    const read = async (acceptsLater: 0 | 1): Promise<unknown> => await this.#reads(async () => await ask(acceptsLater))
    let replay = parseReadAnswer(await read(0))
    // The position is of a master that this server does not know. Either that master is reached soon, or it is lost.
    for (const deadline = performance.now() + LATER_MS; replay === 'later';) {
      await delay(LATER_POLL_MS, undefined, { ref: false })
      replay = parseReadAnswer(await read(performance.now() > deadline ? 1 : 0))
    }
    if (replay === undefined) throw new EngineUnavailableError('an unexpected answer')
    const { epoch, head, after, entries, reason } = replay
    // Messages that should be kept and are not were removed by hand.
    if (entries.length === 0 && after < head && limit > 0) return { epoch, head, after: head, entries, reason: 'expired' }
    return { epoch, head, after, entries, ...reason && { reason } }
  }

  /** The position of a log, which is kept from expiring; `undefined` when the log is gone. */
  async touch (channel: string): Promise<Position | undefined> {
    const meta = this.#options.names.meta(channel)
    const answer: unknown = await this.#client.messengerTouch(meta, this.#positionTtlMs, this.#emptyPositionTtlMs).catch(refuse)
    return Array.isArray(answer) ? parsePosition(answer[0], answer[1]) : undefined
  }

  /** Compares a log with an acknowledged position. Rejects with an error of damage where the position of that log makes no sense. */
  async verify (channel: string, seen: Position, term: string): Promise<VerifyAnswer> {
    const answer = await this.#comparisons.ask(channel, seen, term)
    if (answer === undefined) throw new DamageError(channel)
    return answer
  }

  /** Runs a script that may append to a log; its arguments are those of the log, and then its own. */
  async run (channel: string, script: (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>): Promise<unknown> {
    const { size, ttlMs, names } = this.#options
    const { answer } = await this.#ask((term) => script(
      this.#keys(channel), [term, this.#random(), size, ttlMs, this.#positionTtlMs, names.live(channel)]
    ))
    return answer
  }

  async #compare (term: string, batch: readonly Acknowledged[]): Promise<readonly (VerifyAnswer | undefined)[]> {
    const { names } = this.#options
    const [, , register] = this.#keys((batch[0] as Acknowledged).channel)
    const keys = [...batch.flatMap(({ channel }) => this.#keys(channel).slice(0, 2)), register]
    const args = batch.flatMap(({ channel, position: { epoch, offset } }) => [epoch, offset, names.live(channel)])
    const answers = parseVerifyAnswers(await this.#client.messengerVerify(keys.length, ...keys, term, this.#random(), ...args))
    if (answers?.length !== batch.length) throw new Error('an unexpected answer of a script')
    return answers
  }

  get #client (): Commands {
    return this.#connection.client
  }

  get #positionTtlMs (): number {
    return Math.max(POSITION_TTL_MS, this.#options.ttlMs)
  }

  get #emptyPositionTtlMs (): number {
    return Math.max(EMPTY_POSITION_TTL_MS, this.#options.ttlMs)
  }

  #keys (channel: string): [meta: string, log: string, register: string] {
    const { names, registered } = this.#options
    const meta = names.meta(channel)
    return [meta, names.log(channel), registered ? names.register : meta]
  }

  /** A text unique to the call, which may become a part of an epoch. */
  #random (): string {
    return `${this.#seed}${(this.#calls++).toString(36)}`
  }

  /**
   * Sends a command under the current admission. The server refuses it, without an effect, when another term has begun; it is sent
   * once more when that term is decided.
   */
  async #ask<T> (command: (term: string) => Promise<T>): Promise<{ answer: T, admission: Failover['admission'] }> {
    const { admission } = this.#failover
    try {
      return { answer: await command(admission.term), admission }
    } catch (error) {
      if (!(error as Error).message.startsWith('UNVERIFIED')) refuse(error)
    }
    this.#failover.suspect(admission)
    await rejectionOf(this.#failover.verify())
    const next = this.#failover.admission
    return { answer: await command(next.term).catch(refuse), admission: next }
  }
}

/** Throws MSG_ERR_ENGINE_UNAVAILABLE for an error of the server or the connection. */
export function refuse (cause: unknown): never {
  throw new EngineUnavailableError(codeOf((cause as Error).message), { cause })
}
