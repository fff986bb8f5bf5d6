import { formatId, parseId, type Position } from '../../../wire/id.js'
import { parseReference } from '../../../wire/receipt.js'
import type { ReceiptExchange, ReceiptReport } from '../../broker.js'
import { isCount } from './reports.js'

/** The beginnings of the two messages, by which they are told from others. */
const ASK = '{"ask":"receipts",'
const REPORT = '{"receipt":"'
/** Latencies of a report that are taken. */
const MAX_LATENCIES = 1_000
const CENTI = 100

/** Dependencies of {@link ReceiptMessages}. */
export interface ReceiptMessagesPorts {
  /** Sends a text to the other instances; resolves with the number of those that it has reached, `undefined` where that is unknown. */
  readonly send: (text: string) => Promise<number | undefined>
  /** Resolves when the messages of other instances arrive, or cannot for now; `undefined` where they do. */
  readonly join: () => Promise<void> | undefined
  /** The other instances, each with its subscribers of a channel. */
  readonly others: (channel: string) => ReadonlyMap<string, number>
  readonly onReceiptAsked: (receipt: string, channel: string, position: Position) => void
  readonly onReceiptReported: (receipt: string, instance: string, report: ReceiptReport) => void
}

/** A request for reports. */
interface ReceiptRequest {
  readonly receipt: string
  readonly channel: string
  readonly position: Position
}

/** Receipts as messages between instances. Every instance sees them all; a report names the wait, whose reference names its instance. */
export class ReceiptMessages implements ReceiptExchange {
  readonly #ports: ReceiptMessagesPorts

  constructor (readonly instance: string, ports: ReceiptMessagesPorts) {
    this.#ports = ports
  }

  open (): Promise<void> | undefined {
    return this.#ports.join()
  }

  ask (receipt: string, channel: string, { epoch, offset }: Position): Promise<number | undefined> {
    return this.#ports.send(`${ASK}${JSON.stringify({ receipt, channel, id: formatId(epoch, offset) }).slice(1)}`)
  }

  others (channel: string): ReadonlyMap<string, number> {
    return this.#ports.others(channel)
  }

  report (receipt: string, { latenciesMs, elapsedMs, ...counts }: ReceiptReport): void {
    const times = { elapsedMs: rounded(elapsedMs), latenciesMs: latenciesMs.map(rounded) }
    void this.#ports.send(`${REPORT}${receipt}",${JSON.stringify({ instance: this.instance, ...counts, ...times }).slice(1)}`)
  }

  /** Takes a message of an instance, which may be this one; returns `false` for any other text. */
  receive (text: string): boolean {
    if (text.startsWith(ASK)) {
      const request = parseReceiptRequest(text)
      if (request !== undefined && parseReference(request.receipt)?.instance !== this.instance)
        this.#ports.onReceiptAsked(request.receipt, request.channel, request.position)
      return true
    }
    if (!text.startsWith(REPORT)) return false
    // Those for other instances are not parsed.
    const report = text.startsWith(`${this.instance}.`, REPORT.length) ? parseReceiptReport(text) : undefined
    if (report !== undefined) this.#ports.onReceiptReported(report.receipt, report.instance, report)
    return true
  }
}

/** A request of another process; `undefined` for anything else. Cannot throw. */
export function parseReceiptRequest (text: string): ReceiptRequest | undefined {
  const { receipt, channel, id } = parsed(text)
  const position = typeof id === 'string' ? parseId(id) : undefined
  return typeof receipt === 'string' && typeof channel === 'string' && position !== undefined ? { receipt, channel, position } : undefined
}

/** A report of another process; `undefined` for anything else. Cannot throw. */
export function parseReceiptReport (text: string): ReceiptReport & { readonly receipt: string, readonly instance: string } | undefined {
  const { receipt, instance, counted, unable, open, elapsedMs, latenciesMs } = parsed(text)
  if (typeof receipt !== 'string' || typeof instance !== 'string' || !Array.isArray(latenciesMs)) return undefined
  if (!isCount(counted) || !isCount(unable) || !isCount(open) || !isTime(elapsedMs)) return undefined
  const latencies = (latenciesMs as unknown[]).slice(0, MAX_LATENCIES).filter(isTime)
  return { receipt, instance, counted, unable, open, elapsedMs, latenciesMs: latencies }
}

function parsed (text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

function isTime (value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function rounded (milliseconds: number): number {
  return Math.round(milliseconds * CENTI) / CENTI
}
