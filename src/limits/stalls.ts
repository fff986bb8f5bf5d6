import type { ByteBudget, Lease } from './byte-budget.js'
import type { LimitCounters } from './limit-counters.js'

const SWEEP_MS = 1_000

/** Something that is being sent on a connection. */
export interface Flow {
  /** Bytes that wait to be sent. */
  readonly unsentBytes: number
  /** Bytes that were sent, of which only changes are looked at; `NaN` where nobody knows. */
  readonly sentBytes: number
  /** Ends it at once. */
  terminate (): void
}

/** What {@link Stalls} works with. */
export interface StallsOptions {
  /** Milliseconds without progress after which a flow is ended. */
  readonly writeTimeoutMs: number
  /** What bytes that make no progress are counted in. */
  readonly budget: ByteBudget
  readonly counters: LimitCounters
}

interface Watched {
  readonly address: string
  /** What it holds of the budget while it makes no progress. */
  lease: Lease | undefined
  /** Of an answer, which holds its bytes from the beginning. */
  readonly own: boolean
  sent: number
  /** When there was progress last. */
  since: number
}

/**
 * Watches what is being sent, with one timer for all of it: a flow that has something to send and has sent nothing since the last
 * look is counted in the budget, and ended when its time is over. Bytes that are on their way are not counted: those of a message
 * are shared by all who get it.
 */
export class Stalls {
  readonly #options: StallsOptions
  readonly #flows = new Map<Flow, string | Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor (options: StallsOptions) {
    this.#options = options
  }

  get size (): number {
    return this.#flows.size
  }

  /** Watches a flow until it is deleted. One that is part of the budget already gives its lease. */
  add (flow: Flow, address: string, lease?: Lease): void {
    // An address says that nothing waited at the last look; most flows need no more than that.
    this.#flows.set(flow, lease === undefined ? address : { address, lease, own: true, sent: flow.sentBytes, since: performance.now() })
    this.#timer ??= setInterval(() => { this.sweep(performance.now()) }, SWEEP_MS).unref()
  }

  /** Watches it no longer and gives back its bytes. */
  delete (flow: Flow): void {
    const watched = this.#flows.get(flow)
    if (typeof watched === 'object') watched.lease?.close()
    this.#flows.delete(flow)
    if (this.#flows.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Watches nothing any more. */
  close (): void {
    for (const flow of this.#flows.keys()) this.delete(flow)
  }

  /** Looks at every flow. Runs by itself once a second. */
  sweep (now: number): void {
    for (const [flow, watched] of this.#flows) {
      if (flow.unsentBytes > 0) this.#look(flow, watched, now)
      else if (typeof watched === 'object') this.#rest(flow, watched)
    }
  }

  #look (flow: Flow, before: string | Watched, now: number): void {
    const { sentBytes: sent } = flow
    if (typeof before === 'string') {
      this.#flows.set(flow, { address: before, lease: undefined, own: false, sent, since: now })
    } else if (sent !== before.sent) {
      before.sent = sent
      before.since = now
      if (!before.own) this.#giveBack(before)
    } else if (now - before.since >= this.#options.writeTimeoutMs) {
      this.#options.counters.hit('writeTimeoutMs')
      flow.terminate()
    } else if (!before.own) {
      before.lease ??= this.#options.budget.open(before.address, () => { flow.terminate() })
      before.lease.resize(flow.unsentBytes)
    }
  }

  /** Everything was sent. */
  #rest (flow: Flow, watched: Watched): void {
    if (watched.own) return
    this.#giveBack(watched)
    this.#flows.set(flow, watched.address)
  }

  #giveBack (watched: Watched): void {
    watched.lease?.close()
    watched.lease = undefined
  }
}
