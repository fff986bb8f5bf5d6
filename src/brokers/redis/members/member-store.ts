import { companionOf } from '../../../wire/companion.js'
import { EngineUnavailableError } from '../../../errors.js'
import { MAX_MEMBERS, type Roster } from '../../broker.js'
import type { Commands } from '../connection/connection.js'
import type { Connection } from '../connection/link.js'
import { type LogStore, refuse } from '../log/log-store.js'
import type { Names } from '../names.js'
import { type ListAnswer, parseListAnswer, parseSetAnswer, type SetAnswer, textsOf } from './parse.js'

/** A change of the members of a channel. */
export interface MemberUpdate {
  /** The claimant that this instance is, and its predecessors. */
  readonly own: readonly string[]
  /** Claimants whose claims end. */
  readonly dead?: readonly string[]
  /** Whether members that are not in `subs` lose their claims of this instance. */
  readonly complete?: boolean
  /** The members whose connections have changed. */
  readonly subs?: Iterable<string>
  /** The connections on this instance. */
  readonly roster: Roster
}

/** The members in Redis: the scripts as methods. Each rejects with MSG_ERR_ENGINE_UNAVAILABLE. */
export class MemberStore {
  readonly #connection: Connection
  readonly #log: Pick<LogStore, 'run'>
  readonly #names: Names
  readonly #leaveMs: number

  constructor (connection: Connection, log: Pick<LogStore, 'run'>, names: Names, leaveMs: number) {
    this.#connection = connection
    this.#log = log
    this.#names = names
    this.#leaveMs = leaveMs
  }

  async set (channel: string, { own, dead = [], complete = false, subs = [], roster }: MemberUpdate): Promise<SetAnswer> {
    const pairs = Array.from(subs, (sub) => [sub, roster.get(sub)?.connections ?? 0]).flat()
    const answer = parseSetAnswer(await this.#run(channel, (keys, args) => this.#client.messengerSetMembers(
      ...keys, ...args, MAX_MEMBERS, this.#leaveMs, own.join(' '), dead.join(' '), complete ? 1 : 0, ...pairs
    )))
    if (answer === undefined) throw new EngineUnavailableError('an unexpected answer')
    return answer
  }

  async list (channel: string): Promise<ListAnswer> {
    const answer = parseListAnswer(await this.#run(channel, (keys, args) => {
      return this.#client.messengerListMembers(...keys, ...args, MAX_MEMBERS)
    }))
    if (answer === undefined) throw new EngineUnavailableError('an unexpected answer')
    return answer
  }

  get #client (): Commands {
    return this.#connection.client
  }

  /** Notes that a claimant may have claims in a channel. */
  async note (claimant: string, channel: string): Promise<void> {
    await this.#client.sadd(this.#names.claimants, claimant).catch(refuse)
    await this.#client.sadd(this.#names.claims(claimant), channel).catch(refuse)
  }

  /** Removes the note. A claimant without one is removed by the next sweep. */
  async forget (claimant: string, channel: string): Promise<void> {
    await this.#client.srem(this.#names.claims(claimant), channel).catch(refuse)
  }

  async remove (claimant: string): Promise<void> {
    await this.#client.srem(this.#names.claimants, claimant).catch(refuse)
  }

  async claimants (): Promise<string[]> {
    return textsOf(await this.#client.smembers(this.#names.claimants).catch(refuse))
  }

  /** The channels in which a claimant may have claims. */
  async channelsOf (claimant: string): Promise<string[]> {
    return textsOf(await this.#client.smembers(this.#names.claims(claimant)).catch(refuse))
  }

  #run (channel: string, script: Parameters<LogStore['run']>[1]): Promise<unknown> {
    const companion = companionOf(channel)
    return this.#log.run(companion, (keys, args) => script([...keys, this.#names.members(companion), this.#names.told(companion)], args))
  }
}
