import { Signal } from '../signal.js'
import { Buffer } from './buffer.js'
import type { Entry } from './entry.js'
import type { Feeds } from './feeds.js'
import { filterOf } from './filter.js'
import { Meter } from './meter.js'

/** One or several channels that are shown together, with a filter. */
export class Tail {
  readonly changed = new Signal()
  readonly #buffer = new Buffer()
  readonly #leave: Array<() => void> = []
  readonly #meter = new Meter(performance.now())
  /** The entries that match the filter, oldest first. */
  #shown: Entry[] = []
  #matches = filterOf('')
  #filter = ''
  /** How many entries that match have come since the beginning. */
  #came = 0

  constructor (readonly channels: readonly string[], readonly feeds: Feeds) {
    for (const channel of channels) {
      const feed = feeds.take(channel)
      for (const entry of feed.recent) this.#add(entry)
      this.#leave.push(
        feed.added.on((entry) => { this.#add(entry) }),
        feed.changed.on(() => { this.changed.emit() }),
        () => { feeds.release(channel) }
      )
    }
  }

  get shown (): readonly Entry[] {
    return this.#shown
  }

  get count (): number {
    return this.#came
  }

  /** How many entries are kept, whether they match or not. */
  get total (): number {
    return this.#buffer.entries.length
  }

  get filter (): string {
    return this.#filter
  }

  set filter (text: string) {
    this.#filter = text
    this.#matches = filterOf(text)
    this.#shown = this.#buffer.entries.filter(this.#matches)
    this.changed.emit()
  }

  /** Messages a second, of late. */
  get rate (): number {
    return this.#meter.rate(performance.now())
  }

  clear (): void {
    this.#buffer.clear()
    this.#shown = []
    this.changed.emit()
  }

  close (): void {
    for (const leave of this.#leave) leave()
  }

  #add (entry: Entry): void {
    const gone = this.#buffer.add(entry)
    this.#meter.count(performance.now())
    if (gone.length > 0) {
      const left = new Set(gone)
      while (this.#shown[0] !== undefined && left.has(this.#shown[0])) this.#shown.shift()
    }
    if (this.#matches(entry)) this.#insert(entry)
    this.changed.emit()
  }

  #insert (entry: Entry): void {
    this.#came++
    const { entries } = this.#buffer
    if (entries.at(-1) === entry) this.#shown.push(entry)
    // A history that came later than that of another channel.
    else this.#shown = entries.filter(this.#matches)
  }
}
