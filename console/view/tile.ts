import { type Point, type Series, SPAN_MS } from '../service/history.js'
import { nearest, niceMax, pathOf } from './chart.js'
import { drawing, element, setText } from './dom.js'

const SIZE = { width: 300, height: 60 }

/** The content of a tile: one or two series on one scale. */
export interface TileOptions {
  title: string
  series: ReadonlyArray<{ name?: string, of: Series }>
  format: (value: number) => string
  /** The unit whose multiples are the round numbers near a value; default 1. */
  unit?: (value: number) => number
}

/** A number and its last minutes. */
export class Tile {
  readonly root: HTMLElement
  readonly #value = element('span', { class: 'number' })
  readonly #max = element('span', { class: 'max', 'aria-hidden': 'true' })
  readonly #when = element('span', { class: 'when', 'aria-hidden': 'true' }, '5 min')
  readonly #svg = drawing('svg', { viewBox: `0 -2 ${SIZE.width} ${SIZE.height + 4}`, preserveAspectRatio: 'none', role: 'img' })
  readonly #cursor = drawing('line', { class: 'cursor', y1: 0, y2: SIZE.height, visibility: 'hidden' })
  readonly #paths: Array<{ line: SVGPathElement, area: SVGPathElement }>
  /** Where the pointer is, between 0 and 1; undefined outside. */
  #place: number | undefined
  #now = 0

  constructor (readonly options: TileOptions) {
    this.#paths = options.series.map((_, index) => ({ area: drawing('path', { class: `area s${index}` }), line: drawing('path', { class: `line s${index}` }) }))
    const base = drawing('line', { class: 'base', x1: 0, x2: SIZE.width, y1: SIZE.height, y2: SIZE.height })
    this.#svg.append(base, ...this.#paths.flatMap(({ area, line }) => [area, line]), this.#cursor)
    const plot = element('div', { class: 'plot' }, this.#svg, this.#max, this.#when)
    plot.addEventListener('pointermove', ({ clientX }) => {
      const { left, width } = plot.getBoundingClientRect()
      this.#place = (clientX - left) / width
      this.#read()
    })
    plot.addEventListener('pointerleave', () => {
      this.#place = undefined
      this.#read()
    })
    this.root = element('section', { class: options.series.length > 1 ? 'tile wide' : 'tile', 'aria-label': options.title }, element('h3', {}, options.title), this.#value, plot)
  }

  draw (now: number): void {
    const { series, format, unit = () => 1 } = this.options
    const values = series.flatMap(({ of }) => of.points.flatMap(({ value }) => value ?? []))
    const largest = Math.max(0, ...values)
    const max = niceMax(largest / unit(largest)) * unit(largest)
    this.#now = now
    this.root.hidden = series.every(({ of }) => of.points.length === 0)
    series.forEach(({ of }, index) => {
      const { line, area } = pathOf(of.points, now, max, SIZE)
      const paths = this.#paths[index]
      paths?.line.setAttribute('d', line)
      paths?.area.setAttribute('d', area)
    })
    setText(this.#max, values.length > 0 ? format(max) : '')
    this.#read()
  }

  /** Shows the newest values, or those under the pointer. */
  #read (): void {
    const { title, series, format } = this.options
    const points = series.map(({ of }) => this.#place === undefined ? of.points.at(-1) : nearest(of.points, this.#now, this.#place))
    const texts = points.map((point) => point?.value === undefined ? '–' : format(point.value))
    this.#value.replaceChildren(...texts.flatMap((text, index) => {
      const name = series[index]?.name
      return [element('b', { class: `s${index}` }, text), ...name === undefined ? [] : [element('i', {}, name)]]
    }))
    const [point] = points
    this.#showCursor(this.#place === undefined ? undefined : point)
    setText(this.#when, this.#place === undefined || point === undefined ? `${SPAN_MS / 60_000} min` : `${Math.round((this.#now - point.at) / 1_000)} s ago`)
    this.#svg.setAttribute('aria-label', `${title} over the last ${SPAN_MS / 60_000} minutes: ${series.map(({ name = 'now', of }, index) => `${name} ${texts[index] ?? ''}, ${this.#range(of.points)}`).join('; ')}`)
  }

  #range (points: readonly Point[]): string {
    const values = points.flatMap(({ value }) => value ?? [])
    const { format } = this.options
    return values.length === 0 ? 'nothing measured' : `between ${format(Math.min(...values))} and ${format(Math.max(...values))}`
  }

  #showCursor (point: Point | undefined): void {
    this.#cursor.setAttribute('visibility', point === undefined ? 'hidden' : 'visible')
    if (point === undefined) return
    const x = SIZE.width * (1 - (this.#now - point.at) / SPAN_MS)
    this.#cursor.setAttribute('x1', String(x))
    this.#cursor.setAttribute('x2', String(x))
  }
}
