import type { Timings } from '../connection/timings.js'
import { Peers } from './peers.js'
import { parseReport, type Report, type ReportRequest, reportText } from './reports.js'

/** Overdue reports above which this instance, and not the others, is assumed to have been suspended. */
const MAX_LATE_REPORTS = 3

/** Dependencies of {@link SubscriberCounts}. */
export interface SubscriberCountsPorts {
  readonly timings: Pick<Timings, 'reportMs' | 'nodeTtlMs'>
  /** Subscribers of a channel on this instance. */
  count (channel: string): number
  /** Names of the channels that are occupied on this instance. */
  occupied (): Iterable<string>
  /** Sends a text to the other instances; returns `false` when that is not possible now. */
  send (text: string): boolean
  /** Absent where no channel has members. */
  readonly claims?: ClaimsPorts | undefined
}

/** The part of the reports that concerns members. */
export interface ClaimsPorts {
  /** The claimant of the members of this instance, where it has some. */
  readonly claimant: string | undefined
  /** Called with each claimant that another instance reports. */
  heard (claimant: string): void
  /** Called when earlier silence of the other instances does not count; `suspended` where this instance was silent itself. */
  spared (suspended: boolean): void
}

/**
 * The number of subscribers of each channel on all instances. Each instance reports its changes once a second, so that a count needs
 * no request; a silent instance is removed.
 */
export class SubscriberCounts {
  readonly #instance: string
  readonly #ports: SubscriberCountsPorts
  readonly #peers = new Peers()
  /** Channels whose count has changed since the last report. */
  readonly #changed = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #number = 0
  #connected = false
  #tickedAt = performance.now()
  #fullAt = -Infinity
  /** Whether the next report has to be full. */
  #owesFull = false

  constructor (instance: string, ports: SubscriberCountsPorts) {
    this.#instance = instance
    this.#ports = ports
    this.#timer = setInterval(() => { this.#tick() }, ports.timings.reportMs).unref()
  }

  /** Subscribers of a channel on all instances. */
  total (channel: string): number {
    return this.#ports.count(channel) + this.#peers.total(channel)
  }

  /** Names of the channels that have subscribers on any instance. */
  * channels (): Iterable<string> {
    yield* this.#ports.occupied()
    for (const channel of this.#peers.channels()) if (this.#ports.count(channel) === 0) yield channel
  }

  /** The other instances, each with its subscribers of a channel. */
  others (channel: string): ReadonlyMap<string, number> {
    return this.#peers.counts(channel)
  }

  /** To be called when the number of subscribers on this instance changed. */
  changed (channel: string): void {
    // A full report follows a disconnect: names must not add up until then.
    if (this.#connected) this.#changed.add(channel)
  }

  /** To be called when the instances are connected again. Earlier silence does not count. */
  connected (): void {
    this.#connected = true
    this.#peers.spare(performance.now())
    this.#ports.claims?.spared(false)
    this.#reportAll()
    this.#send({ from: this.#instance, ask: '*' })
  }

  /** To be called when the instances are disconnected: the last known counts stay. */
  disconnected (): void {
    this.#connected = false
    this.#changed.clear()
  }

  /** Handles a message of an instance, which may be this one. Any other text is ignored. */
  receive (text: string): void {
    const message = parseReport(text)
    if (message === undefined) return
    if ('ask' in message) {
      if (message.from !== this.#instance && (message.ask === '*' || message.ask === this.#instance)) this.#answer()
    } else if (message.node !== this.#instance) {
      if (message.claimant !== undefined) this.#ports.claims?.heard(message.claimant)
      const complete = this.#peers.take(message, performance.now())
      if (!complete) this.#send({ from: this.#instance, ask: message.node })
    }
  }

  /** Sends the last report of this instance: it has no subscribers any more. */
  stop (): void {
    clearInterval(this.#timer)
    this.#send({ node: this.#instance, number: ++this.#number, full: true, counts: new Map(), leaves: true })
  }

  #tick (): void {
    const now = performance.now()
    const { reportMs, nodeTtlMs } = this.#ports.timings
    const late = now - this.#tickedAt > MAX_LATE_REPORTS * reportMs
    this.#tickedAt = now
    if (!this.#connected) return
    // The reports that arrived during the suspension are yet to be read.
    if (late) {
      this.#peers.spare(now)
      this.#ports.claims?.spared(true)
    }
    this.#peers.forget(now - nodeTtlMs)
    if (this.#owesFull) this.#reportAll()
    else this.#report(this.#changed, false)
  }

  /** Answers a request at once, but simultaneous ones with one report: when Redis returns, every instance sends one to every other. */
  #answer (): void {
    if (performance.now() - this.#fullAt < this.#ports.timings.reportMs) this.#owesFull = true
    else this.#reportAll()
  }

  #reportAll (): void {
    this.#owesFull = !this.#report(this.#ports.occupied(), true)
    this.#fullAt = performance.now()
  }

  #report (channels: Iterable<string>, full: boolean): boolean {
    const counts = new Map(Array.from(channels, (channel) => [channel, this.#ports.count(channel)]))
    const sent = this.#send({ node: this.#instance, number: ++this.#number, full, counts, claimant: this.#ports.claims?.claimant })
    if (sent) this.#changed.clear()
    return sent
  }

  #send (message: Report | ReportRequest): boolean {
    return this.#ports.send(reportText(message))
  }
}
