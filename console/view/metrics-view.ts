import { bytes, duration, short } from '../service/format.js'
import type { Series } from '../service/history.js'
import type { Counts, Metrics } from '../service/metrics.js'
import { byId, element, showText } from './dom.js'
import { schedule } from './schedule.js'
import { Tile, type TileOptions } from './tile.js'

const GROUPS: Array<[keyof Counts, string]> = [['limits', 'Limits that were hit'], ['refused', 'Refused'], ['gaps', 'Gaps'], ['closed', 'Connections closed']]

/** The charts, and below what was counted since the start. */
export class MetricsView {
  readonly #tiles: Tile[]
  readonly #metrics: Metrics

  constructor (metrics: Metrics) {
    this.#metrics = metrics
    const { series } = metrics
    const quantiles = (p50: Series, p99: Series): TileOptions['series'] => [{ name: 'p50', of: p50 }, { name: 'p99', of: p99 }]
    const perSecond = (value: number): string => `${short(value)}/s`
    this.#tiles = [
      new Tile({ title: 'Connections', series: [{ of: series.connections }], format: short }),
      new Tile({ title: 'Channels', series: [{ of: series.channels }], format: short }),
      new Tile({ title: 'Published', series: [{ of: series.published }], format: perSecond }),
      new Tile({ title: 'Delivered', series: [{ of: series.delivered }], format: perSecond }),
      new Tile({ title: 'Publish latency', series: quantiles(series.publishP50, series.publishP99), format: duration }),
      new Tile({ title: 'Delivery latency', series: quantiles(series.deliveryP50, series.deliveryP99), format: duration }),
      new Tile({ title: 'History', series: [{ of: series.history }], format: bytes, unit: (value) => value < 1_024 ** 2 ? 1_024 : 1_024 ** 2 })
    ]
    byId('tiles').append(...this.#tiles.map(({ root }) => root))
    metrics.changed.on(() => { schedule(this.#draw) })
    this.#draw()
  }

  readonly #draw = (): void => {
    const { counts, problem, present } = this.#metrics
    const now = performance.now()
    for (const tile of this.#tiles) tile.draw(now)
    byId('tiles').hidden = this.#tiles.every(({ root }) => root.hidden)
    showText(byId('metrics-problem'), problem)
    byId('counts-card').hidden = counts === undefined
    if (counts === undefined) return
    const groups = GROUPS.filter(([kind]) => kind === 'limits' || (present === true && counts[kind].length > 0))
    byId('counts').replaceChildren(...groups.map(([kind, title]) => groupOf(title, counts[kind])))
  }
}

function groupOf (title: string, values: Array<[string, number]>): HTMLElement {
  const rows = values.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value.toLocaleString('en'))))
  return element('section', {}, element('h3', {}, title), values.length === 0 ? element('p', { class: 'hint' }, 'None since the start.') : element('dl', { class: 'counts' }, ...rows))
}
