import type { ByteBudget, Lease } from './byte-budget.js'
import type { LimitCounters } from './limit-counters.js'

const SWEEP_MS = 1_000

/** Output on a connection. */
export interface Flow {
  /** Bytes that wait to be sent. */
  readonly unsentBytes: number
  /** Sent bytes, from any start value; `NaN` where the number is unknown. */
  readonly sentBytes: number
  /** Ends the flow at once; the reason is for the log. */
  terminate (why?: string): void
}

/** Dependencies of {@link Stalls}. */
export interface StallsOptions {
  /** Milliseconds without progress after which a flow is ended. */
  readonly writeTimeoutMs: number
  /** The budget for stalled bytes. */
  readonly budget: ByteBudget
  readonly counters: LimitCounters
}

interface Watched {
  readonly address: string
  /** The part of the budget while the flow makes no progress. */
  lease: Lease | undefined
  /** Whether the lease is the flow's own from the beginning, as that of an answer. */
  readonly own: boolean
  sent: number
  /** The time of the last progress. */
  since: number
}

/**
 * Monitors output, with one timer for all flows: a flow with unsent bytes that has sent nothing since the last sweep is counted in
 * the budget, and ended after the time limit. Bytes in progress are not counted: those of a message are shared by all its
 * subscribers.
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

  /** Monitors a flow until it is deleted. A flow that is already part of the budget passes its lease. */
  add (flow: Flow, address: string, lease?: Lease): void {
    // An address alone means that nothing was unsent at the last sweep, which suffices for most flows.
    this.#flows.set(flow, lease === undefined ? address : { address, lease, own: true, sent: flow.sentBytes, since: performance.now() })
    this.#timer ??= setInterval(() => { this.sweep(performance.now()) }, SWEEP_MS).unref()
  }

  /** Ends the monitoring of a flow and returns its bytes to the budget. */
  delete (flow: Flow): void {
    const watched = this.#flows.get(flow)
    if (typeof watched === 'object') watched.lease?.close()
    this.#flows.delete(flow)
    if (this.#flows.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Ends the timer. */
  close (): void {
    for (const flow of this.#flows.keys()) this.delete(flow)
  }

  /** Checks every flow. Runs once a second. */
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
      flow.terminate('no bytes were accepted in time (WRITE_TIMEOUT)')
    } else if (!before.own) {
      before.lease ??= this.#options.budget.open(before.address, () => { flow.terminate('too many bytes are in flight (MAX_BYTES_IN_FLIGHT)') })
      before.lease.resize(flow.unsentBytes)
    }
  }

  /** Called when all bytes of a flow were sent. */
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
