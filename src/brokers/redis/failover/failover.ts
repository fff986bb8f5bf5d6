import { EngineUnavailableError } from '../../../errors.js'
import type { Position } from '../../../wire/id.js'
import { type BrokerStatus, CLOSED_STATUS } from '../../broker.js'
import { codeOf } from '../connection/refusal.js'
import type { Barrier, Evidence } from './barrier.js'
import { Comparison, type Verify } from './comparison.js'
import { Marks } from './marks.js'

/**
 * Whether logs may be used, as one state machine:
 *
 * | state     | event                                                 | next      | what happens                                     |
 * |-----------|-------------------------------------------------------|-----------|--------------------------------------------------|
 * | away      | the connections are usable                            | verifying | the instance enters the barrier                  |
 * | verifying | a connection is lost                                  | away      |                                                  |
 * | verifying | the barrier is passed, the server is still the master | ready     | an admission begins                              |
 * | verifying | any step fails                                        | verifying | the next round retries                           |
 * | ready     | a connection is lost                                  | away      | the admission ends                               |
 * | ready     | another term is found                                 | verifying | the admission ends, then logs are compared       |
 * | ready     | another term is found on a shard of a cluster         | ready     | another admission begins, then logs are compared |
 * | any       | closed                                                | closed    | the admission ends                               |
 *
 * An admission is the fence of acknowledgements: a publisher is answered only while the admission lasts under which its message was
 * sent. A message in flight at its end may be in the log of a server that is no longer the master, and is refused.
 */
export type FailoverState = 'away' | 'verifying' | 'ready' | 'closed'

/** A change of the state, or of the reason for it. */
export interface FailoverChange {
  readonly state: FailoverState
  /** The previous state, which may be the same. */
  readonly from: FailoverState
}

/** The right to use the logs of a term, until it ends. A term may have several in succession. Compared by identity. */
export interface Admission {
  readonly term: string
}

/** The state, the reason for it, and whether something fails; otherwise the next state is about to be reached. */
interface CurrentState {
  readonly state: FailoverState
  readonly reason: string
  readonly failing: boolean
}

const COMPARING = 'comparing with what was acknowledged'

/** Dependencies of {@link Failover}. */
export interface FailoverPorts {
  readonly barrier: Barrier
  /** Compares a mark with its log in a term. */
  readonly verify: Verify
  /** The last step before logs are used. Rejects when the connections are not to the server of that term. */
  readonly prepare: (term: string) => Promise<void>
  /** Called when the state or its reason has changed. */
  readonly onChange: (change: FailoverChange) => void
}

/** The state machine above. */
export class Failover {
  readonly marks = new Marks()
  readonly #ports: FailoverPorts
  readonly #comparison: Comparison
  #current: CurrentState = { state: 'away', reason: 'not connected yet', failing: false }
  /** The number of lost connections. */
  #losses = 0
  #admission: Admission | undefined
  #term: string | undefined
  #verifying: Promise<void> | undefined
  readonly #evidence: Evidence = {
    marks: this.marks,
    fence: () => { if (this.#admission !== undefined) this.#admission = { ...this.#admission } },
    compare: (term) => this.#comparison.compareAll(term),
    onWait: (reason) => { if (this.state === 'verifying') this.#enter('verifying', reason) }
  }

  constructor (ports: FailoverPorts) {
    this.#ports = ports
    this.#comparison = new Comparison(this.marks, ports.verify)
  }

  get state (): FailoverState {
    return this.#current.state
  }

  /** The code of the reason for which logs cannot be used. */
  get code (): string {
    return codeOf(this.#current.reason)
  }

  /** The state as the status of a broker. */
  get status (): BrokerStatus {
    const { state, reason, failing } = this.#current
    if (state === 'closed') return CLOSED_STATUS
    return { ready: state === 'ready', reason, failing, code: reason && `redis: ${failing ? this.code : reason}` }
  }

  /** The current admission. Throws MSG_ERR_ENGINE_UNAVAILABLE where there is none. */
  get admission (): Admission {
    if (this.#admission === undefined) throw new EngineUnavailableError(this.code)
    return this.#admission
  }

  /** Throws MSG_ERR_ENGINE_UNAVAILABLE when an admission is over, for what was sent under it. */
  assertLasts (admission: Admission): void {
    if (admission !== this.#admission) throw new EngineUnavailableError('another server may have taken over')
  }

  /** Marks a position before its acknowledgement. Throws MSG_ERR_ENGINE_UNAVAILABLE when the admission of the message is over. */
  acknowledge (admission: Admission, channel: string, position: Position): void {
    this.assertLasts(admission)
    const before = this.marks.get(channel)
    // Answers may be handled in another order than that of the offsets: a command that was sent again takes longer.
    if (before?.epoch === position.epoch && before.offset >= position.offset) return
    // The log has continued in another term without a comparison, as in a cluster, or was compared by another instance.
    if (before !== undefined && before.epoch !== position.epoch) this.#comparison.owe(channel, before)
    this.marks.set(channel, position)
  }

  /** Called when the connections are usable, possibly after a reconnect. */
  connected (): void {
    if (this.state === 'away') this.#enter('verifying', COMPARING)
  }

  /** Called when a connection is lost. */
  lost (reason: string): void {
    this.#losses++
    if (this.state !== 'closed') this.#enter('away', reason, true)
  }

  /** Called when another term may have begun since an admission; ends the admission. */
  suspect (admission: Admission): void {
    if (admission === this.#admission) this.#enter('verifying', COMPARING)
  }

  close (): void {
    this.#enter('closed', CLOSED_STATUS.reason)
  }

  /** Resolves when the state is `ready`. Rejects on failure, and is then to be called again. */
  verify (): Promise<void> {
    return this.#verifying ??= this.#verify().finally(() => { this.#verifying = undefined })
  }

  /** Checks whether the term still lasts, and compares owed marks. To be called periodically. */
  async check (): Promise<void> {
    const admission = this.#admission
    if (admission === undefined) return
    if (!await this.#ports.barrier.holds(this.#evidence)) { this.suspect(admission); return }
    await this.#comparison.settle(admission.term)
  }

  async #verify (): Promise<void> {
    if (this.state === 'ready') return
    const losses = this.#losses
    const term = await this.#pass()
    if (this.state !== 'verifying') throw new Error(this.#current.reason)
    // What was found out before may not be true of the new connection.
    if (this.#losses !== losses) throw new Error('the connection was made again meanwhile')
    // Nothing was acknowledged since the comparison began, so that no mark is newer.
    if (term !== this.#term && term !== '') this.marks.clear()
    this.#term = term
    this.#admission = { term }
    this.#comparison.end(term)
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
      if (this.state === 'verifying') this.#enter('verifying', (error as Error).message, true)
      throw error
    }
  }

  #enter (state: FailoverState, reason: string, failing = false): void {
    const from = this.state
    if (from === state && this.#current.reason === reason) return
    this.#current = { state, reason, failing }
    if (state !== 'ready') this.#admission = undefined
    this.#ports.onChange({ state, from })
  }
}
