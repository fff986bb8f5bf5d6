import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '../connection/link.js'
import { rejectionOf } from '../connection/refusal.js'
import type { Timings } from '../connection/timings.js'
import type { Barrier, Evidence } from './barrier.js'
import { KnownInstances } from './known-instances.js'
import { type DecideAnswer, parseDecideAnswer, parseJoinAnswer, parseLookAnswer, type RegisterView } from './parse.js'
import { parseReplication, serverOf } from './replication.js'

/** Milliseconds between two checks whether the other instances have compared. */
const POLL_MS = 20
/** The placeholder for an absent id or term. */
const NONE = '-'

/** Dependencies of {@link Register}. */
export interface RegisterPorts {
  readonly connection: Connection
  readonly key: string
  readonly timings: Pick<Timings, 'barrierMs' | 'witnessMs'>
  /** Requests that the other instances witness the registration of this one. */
  readonly requestWitness: () => void
  /** Called when this instance continues for the first time although its registration may be lost with the newest data. */
  readonly onUnsafe: () => void
}

/**
 * This instance in the register (failover/register-scripts.ts). Safety never depends on a clock: a time limit only ends the wait for
 * missing instances, and the term is then decided as one in which something was lost.
 */
export class Register implements Barrier {
  readonly #ports: RegisterPorts
  #id = NONE
  /** The next id, once a JOIN has named it. It stays until that is answered: one without an answer may have registered it. */
  #candidate = NONE
  /**
   * The term of the last JOIN, which may have no answer, the one that was compared last, and the one that was passed last. All are the
   * last where it is resumed: what is acknowledged then may be missing where another term was compared meanwhile.
   */
  #attempted = NONE
  #compared = NONE
  #admitted = NONE
  /** The server to which the overflow of the marks was reported since the last admission. */
  #reported = NONE
  #safe = false
  #warned = false
  readonly #known = new KnownInstances()

  constructor (ports: RegisterPorts) {
    this.#ports = ports
  }

  /** The id of this instance in the register. */
  get id (): string {
    return this.#id
  }

  /** Whether the absence of this instance would be detected, whatever data is lost. */
  get safe (): boolean {
    return this.#safe
  }

  async pass (evidence: Evidence): Promise<string> {
    const view = await this.#look()
    // The server process is the same, and so is its data.
    if (this.#isAdmitted(view)) {
      this.#attempted = this.#compared = this.#admitted
      this.#reported = NONE
      return this.#admitted
    }
    // The answer to the last JOIN was lost. Nothing was acknowledged since.
    if (view.instances.get(this.#id)?.compared === this.#attempted) this.#compared = this.#attempted
    return await this.#pass(view.term, evidence)
  }

  async holds (): Promise<boolean> {
    const view = await this.#look()
    if (!this.#isAdmitted(view)) return false
    await this.#witness(view.instances)
    return true
  }

  async leave (): Promise<void> {
    const { connection, key } = this.#ports
    // The other one may be registered by a JOIN without an answer.
    for (const id of [this.#id, this.#candidate]) if (id !== NONE) await connection.client.messengerLeave(key, id, this.#attempted)
  }

  #isAdmitted ({ term, decided, instances }: RegisterView): boolean {
    return decided && term === this.#admitted && instances.get(this.#id)?.compared === term
  }

  /** Compares a term, or the one that has begun meanwhile, registers this instance and waits for the decision. */
  async #pass (begun: string, evidence: Evidence): Promise<string> {
    const { connection, key } = this.#ports
    let term = begun
    for (;;) {
      await evidence.compare(term)
      if (this.#candidate === NONE) this.#candidate = randomBytes(9).toString('base64url')
      this.#attempted = term
      // All terms that begin on a server after the report are incomplete.
      const overflowed = evidence.marks.overflowed && this.#reported !== serverOf(term)
      const joined = parsed(parseJoinAnswer(await connection.client.messengerJoin(
        key, term, this.#id, this.#candidate, this.#compared, this.#admitted, overflowed ? 1 : 0, ...this.#known.ids
      )))
      // Where the server had another term already, that one began after this admission and is incomplete, too.
      const current = joined.status === 'again' ? joined.term : term
      if (overflowed && serverOf(current) === serverOf(term)) this.#reported = serverOf(term)
      if (joined.status === 'joined') {
        if (joined.id !== this.#id) this.#safe = false
        if (joined.id === this.#candidate) this.#candidate = NONE
        this.#id = joined.id
        this.#compared = term
        const next = await this.#decide(term, evidence)
        if (next === undefined) {
          const instances = await this.#secure(term, evidence)
          // Those that are not here have left, or the decision of the term accounts for them.
          if (term !== this.#admitted) this.#known.clear()
          this.#admitted = term
          this.#reported = NONE
          // Earlier requests were not answered.
          await this.#witness(instances)
          return term
        }
        term = next
      } else {
        term = joined.term
      }
    }
  }

  /** Waits for the decision of the term; resolves with another term where that has begun. */
  async #decide (term: string, { onWait }: Evidence): Promise<string | undefined> {
    const { connection, key, timings } = this.#ports
    const deadline = performance.now() + timings.barrierMs
    for (;;) {
      const isOver = performance.now() > deadline ? 1 : 0
      const answer: DecideAnswer = parsed(parseDecideAnswer(await connection.client.messengerDecide(key, term, isOver)))
      if (answer.status === 'again') return answer.term
      if (answer.status === 'decided') return undefined
      onWait(`${answer.missing} other instances have not compared yet`)
      await delay(POLL_MS, undefined, { ref: false })
    }
  }

  /**
   * Ensures that the absence of this instance is detected if its registration is lost: no other instance was registered before it,
   * every replica has it, or another safe instance knows it. Continues after a time limit, with a warning. Resolves with the instances.
   */
  async #secure (term: string, { onWait }: Evidence): Promise<RegisterView['instances']> {
    const { connection, key, timings, requestWitness, onUnsafe } = this.#ports
    let deadline: number | undefined
    for (;;) {
      const { instances } = await this.#look()
      this.#known.add(instances, this.#id)
      this.#safe ||= instances.get(this.#id)?.safe === true
      if (this.#safe) return instances
      if (deadline === undefined) {
        deadline = performance.now() + timings.witnessMs
        requestWitness()
        if (await this.#replicated(term, timings.witnessMs)) await connection.client.messengerWitness(key, term, this.#id, 1)
      } else if (performance.now() > deadline) {
        if (!this.#warned) onUnsafe()
        this.#warned = true
        return instances
      }
      onWait('no other instance has confirmed the registration')
      await delay(POLL_MS, undefined, { ref: false })
    }
  }

  /** Whether the server of the term has replicas and all have every earlier write. */
  async #replicated (term: string, timeoutMs: number): Promise<boolean> {
    const { client } = this.#ports.connection
    const before = parseReplication(await client.info('replication'))
    if (before.server !== serverOf(term) || before.replicas.length === 0) return false
    // WAIT concerns the writes of the same connection, and this one may be newer than them: it only requests confirmations.
    await client.wait(before.replicas.length, timeoutMs)
    const { server, replicas } = parseReplication(await client.info('replication'))
    return server === before.server && replicas.length > 0 && replicas.every((offset) => offset >= before.offset)
  }

  /** Remembers the other instances and, if this one is safe, confirms the unsafe ones. */
  async #witness (instances: RegisterView['instances']): Promise<void> {
    this.#known.update(instances, this.#id)
    this.#safe ||= instances.get(this.#id)?.safe === true
    const unsafe = [...instances].filter(([id, { safe }]) => id !== this.#id && !safe).map(([id]) => id)
    const { connection, key } = this.#ports
    if (this.#safe && unsafe.length > 0) await connection.client.messengerWitness(key, this.#admitted, this.#id, 0, ...unsafe)
  }

  /** To be called when another instance requests a witness. */
  async witnessRequested (): Promise<void> {
    await rejectionOf(this.holds())
  }

  async #look (): Promise<RegisterView> {
    return parsed(parseLookAnswer(await this.#ports.connection.client.messengerLook(this.#ports.key)))
  }
}

function parsed<T> (value: T | undefined): T {
  if (value === undefined) throw new Error('an unexpected answer of a script')
  return value
}
