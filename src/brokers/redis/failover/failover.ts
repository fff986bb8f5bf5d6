import { EngineUnavailableError } from '../../../errors.js'
import type { Position } from '../../../wire/id.js'
import { type BrokerStatus, CLOSED_STATUS } from '../../broker.js'
import { forEachConcurrently } from '../connection/concurrency.js'
import { codeOf } from '../connection/refusal.js'
import type { Barrier, Evidence } from './barrier.js'
import { Marks } from './marks.js'

/**
 * Whether logs may be used, as one state machine:
 *
 * | state     | event                                              | next      | what happens                                   |
 * |-----------|----------------------------------------------------|-----------|------------------------------------------------|
 * | away      | the connections are usable                         | verifying | the barrier is asked                           |
 * | verifying | a connection is lost                               | away      |                                                |
 * | verifying | the barrier is passed, the server is still the one | ready     | an admission begins                            |
 * | verifying | anything fails                                     | verifying | the next round tries again                     |
 * | ready     | a connection is lost                               | away      | the admission ends                             |
 * | ready     | another term is seen                               | verifying | the admission ends, then logs are compared     |
 * | any       | closed                                             | closed    | the admission ends                             |
 *
 * An admission is the fence of acknowledgements: a publisher is answered only while the admission lasts under which its message was
 * sent. What is under way when it ends may be in the log of a server that is not the master any more, and is refused.
 */
export type FailoverState = 'away' | 'verifying' | 'ready' | 'closed'

/** A change of the state, or of the reason for it. */
export interface FailoverChange {
  readonly state: FailoverState
  /** The state before, which may be the same. */
  readonly from: FailoverState
}

/** The right to use the logs of a term, until it ends. Two of the same term are not the same. */
export interface Admission {
  readonly term: string
}

const COMPARING = 'comparing with what was acknowledged'

/** Dependencies of {@link Failover}. */
export interface FailoverPorts {
  readonly barrier: Barrier
  /** Compares a mark with its log in a term; resolves with where the log stands when it does not have the position any more. */
  readonly verify: (channel: string, seen: Position, term: string) => Promise<Position | undefined>
  /** What is left to do before logs are used. Rejects when the connections are not to the server of that term. */
  readonly prepare: (term: string) => Promise<void>
  /** Called when the state or its reason has changed. */
  readonly onChange: (change: FailoverChange) => void
}

/** The state machine above. */
export class Failover {
  readonly marks = new Marks()
  readonly #ports: FailoverPorts
  #state: FailoverState = 'away'
  #reason = 'not connected yet'
  /** Whether something fails; otherwise a state is on its way to the next one. */
  #failing = false
  #admission: Admission | undefined
  #term: string | undefined
  #verifying: Promise<void> | undefined
  readonly #evidence: Evidence = {
    marks: this.marks,
    compare: (term) => this.#compare(term),
    onWait: (reason) => { if (this.#state === 'verifying') this.#enter('verifying', reason) }
  }

  /** Marks that could not be compared, or were replaced before they were, by channel and epoch. */
  readonly #owed = new Map<string, [channel: string, position: Position]>()

  constructor (ports: FailoverPorts) {
    this.#ports = ports
  }

  get state (): FailoverState {
    return this.#state
  }

  /** The code of the reason why logs cannot be used. */
  get code (): string {
    return codeOf(this.#reason)
  }

  /** The state as the status of a broker. */
  get status (): BrokerStatus {
    if (this.#state === 'closed') return CLOSED_STATUS
    const reason = this.#reason
    return { ready: this.#state === 'ready', reason, failing: this.#failing, code: reason && `redis: ${this.#failing ? this.code : reason}` }
  }

  /** The present admission. Throws MSG_ERR_ENGINE_UNAVAILABLE where there is none. */
  get admission (): Admission {
    if (this.#admission === undefined) throw new EngineUnavailableError(this.code)
    return this.#admission
  }

  /** Remembers what is about to be acknowledged. Throws MSG_ERR_ENGINE_UNAVAILABLE when the admission under which it was sent is over. */
  acknowledge (admission: Admission, channel: string, position: Position): void {
    if (admission !== this.#admission) throw new EngineUnavailableError('another server may have taken over')
    const before = this.marks.get(channel)
    // Answers may come to be handled in another order than that of the offsets: one that was sent again takes longer.
    if (before?.epoch === position.epoch && before.offset >= position.offset) return
    // The log has gone on in another term without a comparison, as in a cluster, or was compared by another instance.
    if (before !== undefined && before.epoch !== position.epoch) this.#owe(channel, before)
    this.marks.set(channel, position)
  }

  /** The connections are usable, perhaps anew. */
  connected (): void {
    if (this.#state === 'away') this.#enter('verifying', COMPARING)
  }

  /** A connection is lost. */
  lost (reason: string): void {
    if (this.#state !== 'closed') this.#enter('away', reason, true)
  }

  /** Another term may have begun since an admission, which ends unless it has. */
  suspect (admission: Admission): void {
    if (admission === this.#admission) this.#enter('verifying', COMPARING)
  }

  close (): void {
    this.#enter('closed', CLOSED_STATUS.reason)
  }

  /** Resolves when it is ready. Rejects when that fails; to be called again then. */
  verify (): Promise<void> {
    return this.#verifying ??= this.#verify().finally(() => { this.#verifying = undefined })
  }

  /** Asks whether the term still lasts, and compares what could not be compared before. To be called now and then. */
  async check (): Promise<void> {
    const admission = this.#admission
    if (admission === undefined) return
    if (!await this.#ports.barrier.holds(this.#evidence)) { this.suspect(admission); return }
    await this.#compareAll([], admission.term)
  }

  async #verify (): Promise<void> {
    if (this.#state === 'ready') return
    const term = await this.#pass()
    if (this.#state !== 'verifying') throw new Error(this.#reason)
    // Nothing was acknowledged since the comparison began, so that none of these is newer than it.
    if (term !== this.#term && term !== '') this.marks.clear()
    this.#term = term
    this.#admission = { term }
    this.#enter('ready', '')
  }

  /** Passes the barrier; resolves with the term to be admitted to. */
  async #pass (): Promise<string> {
    const { barrier, prepare } = this.#ports
    try {
      const term = await barrier.pass(this.#evidence)
      await prepare(term)
      return term
    } catch (error) {
      if (this.#state === 'verifying') this.#enter('verifying', (error as Error).message, true)
      throw error
    }
  }

  /** Compares every mark. In a cluster the logs of other masters are not to wait for one that is gone for good. */
  async #compare (term: string): Promise<void> {
    const failure = await this.#compareAll(this.marks, term)
    if (failure !== undefined && term !== '') throw failure as Error
  }

  /** Compares these and what is owed; resolves with why one of them is owed now. */
  async #compareAll (marks: Iterable<[string, Position]>, term: string): Promise<unknown> {
    const seen = [...this.#owed.values(), ...marks]
    if (seen.length === 0) return undefined
    this.#owed.clear()
    let failure: unknown
    await forEachConcurrently(seen, async ([channel, position]) => {
      try {
        const current = await this.#ports.verify(channel, position, term)
        // The loss is announced. What is asked next time is whether something more is lost.
        if (current !== undefined && this.marks.get(channel) === position) this.marks.set(channel, current)
      } catch (error) {
        failure = error
        this.#owe(channel, position)
      }
    })
    return failure
  }

  #owe (channel: string, position: Position): void {
    const name = `${channel} ${position.epoch}`
    const owed = this.#owed.get(name)
    if (owed === undefined || owed[1].offset < position.offset) this.#owed.set(name, [channel, position])
  }

  #enter (state: FailoverState, reason: string, failing = false): void {
    const from = this.#state
    if (from === state && this.#reason === reason) return
    this.#state = state
    this.#reason = reason
    this.#failing = failing
    if (state !== 'ready') this.#admission = undefined
    this.#ports.onChange({ state, from })
  }
}
