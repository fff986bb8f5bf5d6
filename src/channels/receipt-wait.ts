import type { ReceiptReport } from '../brokers/broker.js'
import { MAX_RECEIPT_SUBSCRIBERS } from './receipt-tally.js'

/** The receipts of a message. */
export interface ReceiptCounts {
  /** Subscriptions whose client has acknowledged the message: its callback has returned. */
  readonly received: number
  /** Subscriptions that can acknowledge and have not done so, or have ended before. */
  readonly silent: number
  /** Subscriptions that cannot acknowledge: all but those of a WebSocket with `frames`. */
  readonly unable: number
  /** Milliseconds from the publish to the acknowledgements; present where there is one. */
  readonly latencyMs?: { readonly p50: number, readonly max: number }
}

interface Instance {
  /** Its subscribers of the channel as they are known here. */
  readonly subscribers: number
  /** The last report. */
  report?: ReceiptReport
  /** Milliseconds until the message arrived there. */
  delayMs: number
  /** Milliseconds from that arrival to each acknowledgement. */
  readonly latenciesMs: number[]
}

/** The wait of a publisher for the receipts of one message, from all instances. */
export class ReceiptWait {
  /** Resolves when all have answered, the time is over or the wait is cancelled. */
  readonly ended: Promise<void>
  /** When the message was passed to the broker, in the time of `performance.now()`. */
  readonly startedAt = performance.now()
  readonly #instances = new Map<string, Instance>()
  readonly #deadline: NodeJS.Timeout
  #end!: () => void
  /** The number of instances that have to report; `undefined` as long as it is unknown. */
  #expected: number | undefined

  /** @param signal cancels the wait */
  constructor (waitMs: number, signal?: AbortSignal) {
    this.ended = new Promise((resolve) => { this.#end = resolve })
    const end = (): void => { this.end() }
    this.#deadline = setTimeout(end, waitMs)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted === true) end()
  }

  /** Names an instance and its subscribers: where it does not report they are silent. */
  expect (instance: string, subscribers: number): void {
    this.#instances.set(instance, { delayMs: Infinity, latenciesMs: [], ...this.#instances.get(instance), subscribers })
  }

  /** Ends the wait when so many instances have reported, and nothing is open. */
  settleWith (instances = this.#instances.size): void {
    this.#expected = instances
    this.#settle()
  }

  /**
   * Takes the report of an instance, with the milliseconds after which the message arrived there. A report without subscriptions is
   * that of an instance to which the message was not delivered, or not yet.
   */
  report (name: string, report: ReceiptReport, delayMs: number): void {
    const last = this.#instances.get(name)
    if (last?.report !== undefined && sumOf(report) === 0) return
    const instance = last ?? { subscribers: 0, delayMs: Infinity, latenciesMs: [] }
    instance.latenciesMs.push(...report.latenciesMs.slice(0, Math.max(0, report.counted - instance.latenciesMs.length)))
    // The shortest is the one that waited least on its way.
    instance.delayMs = Math.min(instance.delayMs, delayMs)
    instance.report = report
    this.#instances.set(name, instance)
    this.#settle()
  }

  /** Ends the wait. */
  end (): void {
    clearTimeout(this.#deadline)
    this.#end()
  }

  /** The receipts until now; `undefined` for more subscribers than a publisher may wait for. */
  get counts (): ReceiptCounts | undefined {
    const instances = [...this.#instances.values()]
    if (this.#isOverfull) return undefined
    const latencies = instances.flatMap(({ delayMs, latenciesMs }) => latenciesMs.map((latency) => delayMs + latency)).sort((a, b) => a - b)
    const received = latencies.length
    const counted = instances.reduce((sum, { report, subscribers }) => sum + (report?.counted ?? subscribers), 0)
    const unable = instances.reduce((sum, { report }) => sum + (report?.unable ?? 0), 0)
    const numbers = { received, silent: counted - received, unable }
    if (received === 0) return numbers
    return { ...numbers, latencyMs: { p50: rounded(latencies[Math.ceil(received / 2) - 1]), max: rounded(latencies.at(-1)) } }
  }

  get #isOverfull (): boolean {
    return [...this.#instances.values()].reduce((sum, { report }) => sum + sumOf(report), 0) > MAX_RECEIPT_SUBSCRIBERS
  }

  #settle (): void {
    const reports = [...this.#instances.values()].flatMap(({ report }) => report ?? [])
    const settled = this.#expected !== undefined && reports.length >= this.#expected && reports.every(({ open }) => open === 0)
    if (settled || this.#isOverfull) this.end()
  }
}

function sumOf (report: ReceiptReport | undefined): number {
  return report === undefined ? 0 : report.counted + report.unable
}

/** Microseconds are beyond the precision of the measurement. */
function rounded (latency = 0): number {
  return Math.round(latency * 100) / 100
}
