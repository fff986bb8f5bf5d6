import { Signal } from '../signal.js'
import { ask } from './api.js'
import { Quantiles, Rate, Series } from './history.js'
import { Poller, type Turn } from './poller.js'
import { bucketsOf, type Sample, samplesOf, sumOf, valuesBy } from './prometheus.js'
import type { Session } from './session.js'

const INTERVAL_MS = 2_000

/** Counts since the start of the server, by kind, largest first. */
export interface Counts {
  limits: Array<[string, number]>
  refused: Array<[string, number]>
  gaps: Array<[string, number]>
  closed: Array<[string, number]>
}

export type SeriesName = 'connections' | 'channels' | 'published' | 'delivered' | 'publishP50' | 'publishP99' | 'deliveryP50' | 'deliveryP99' | 'history'

const NAMES: SeriesName[] = ['connections', 'channels', 'published', 'delivered', 'publishP50', 'publishP99', 'deliveryP50', 'deliveryP99', 'history']

/** The metrics of the server over the last minutes. Where it has none, what `/-/limits` tells. */
export class Metrics {
  readonly changed = new Signal()
  readonly series = Object.fromEntries(NAMES.map((name) => [name, new Series()])) as Record<SeriesName, Series>
  readonly #session: Session
  readonly #poller = new Poller(INTERVAL_MS, () => this.#turn())
  #rates = newRates()
  #quantiles = newQuantiles()
  /** When the process started whose counters these are: behind a proxy another instance may answer. */
  #instance: number | undefined
  /** Whether the server has metrics; undefined while it is not known. */
  #present: boolean | undefined
  #counts: Counts | undefined
  #problem = ''

  constructor (session: Session) {
    this.#session = session
    session.changed.on(() => { this.#restart() })
  }

  get present (): boolean | undefined {
    return this.#present
  }

  get counts (): Counts | undefined {
    return this.#counts
  }

  get problem (): string {
    return this.#problem
  }

  #restart (): void {
    const { role } = this.#session
    this.#present = undefined
    if (role === 'operator' || role === 'metrics') this.#poller.start()
    else {
      this.#poller.stop()
      this.#counts = undefined
      this.#problem = ''
    }
    this.changed.emit()
  }

  async #turn (): Promise<Turn> {
    const { token, role } = this.#session
    if (role !== 'operator' && role !== 'metrics') return 'stop'
    if (this.#present !== false) {
      const answer = await ask<string>('-/metrics', { token, read: 'text' })
      if (answer.kind === 'ok') {
        this.#present = true
        this.#take(samplesOf(answer.value))
      } else if (answer.kind === 'failed') {
        this.#problem = answer.status === 0 ? 'The service cannot be reached.' : `The service answered ${answer.status}: ${answer.message}`
        this.#gap()
      } else {
        this.#present = false
      }
    }
    if (this.#present === false) await this.#takeLimits(token)
    this.changed.emit()
    return 'ok'
  }

  /** The hits of limits, which servers without metrics tell as well. */
  async #takeLimits (token: string): Promise<void> {
    const answer = await ask<{ connections: number, hits: Record<string, number> }>('-/limits', { token })
    if (answer.kind !== 'ok') { this.#gap(); return }
    const { connections, hits } = answer.value
    const limits = Object.entries(hits).filter(([, value]) => value > 0).sort(([, a], [, b]) => b - a)
    this.series.connections.add(performance.now(), connections)
    this.#counts = { limits, refused: [], gaps: [], closed: [] }
  }

  #take (samples: Sample[]): void {
    const at = performance.now()
    const { series } = this
    const sum = (name: string): number | undefined => sumOf(samples, `messenger_${name}`)
    this.#problem = ''
    this.#follow(sumOf(samples, 'process_start_time_seconds'))
    series.connections.add(at, sum('connections'))
    series.channels.add(at, sum('channels'))
    series.history.add(at, sum('history_bytes'))
    series.published.add(at, this.#rates.published.next(at, sum('published_total')))
    series.delivered.add(at, this.#rates.delivered.next(at, sum('delivered_total')))
    for (const kind of ['publish', 'delivery'] as const) {
      this.#quantiles[kind].add(at, bucketsOf(samples, `messenger_${kind}_seconds`))
      series[`${kind}P50`].add(at, this.#quantiles[kind].get(0.5))
      series[`${kind}P99`].add(at, this.#quantiles[kind].get(0.99))
    }
    this.#counts = {
      limits: valuesBy(samples, 'messenger_limit_hits_total', 'limit'),
      refused: valuesBy(samples, 'messenger_refused_total', 'code'),
      gaps: valuesBy(samples, 'messenger_gaps_total', 'reason'),
      closed: valuesBy(samples, 'messenger_closed_total', 'code')
    }
  }

  /** Starts the rates anew for another instance, whose counts cannot be compared with the earlier ones. */
  #follow (instance: number | undefined): void {
    if (instance === this.#instance) return
    this.#instance = instance
    this.#rates = newRates()
    this.#quantiles = newQuantiles()
  }

  /** Leaves a gap in every chart. */
  #gap (): void {
    for (const series of Object.values(this.series)) series.add(performance.now(), undefined)
  }
}

function newRates (): Record<'published' | 'delivered', Rate> {
  return { published: new Rate(), delivered: new Rate() }
}

function newQuantiles (): Record<'publish' | 'delivery', Quantiles> {
  return { publish: new Quantiles(), delivery: new Quantiles() }
}
