import type { Entry } from '../live/entry.js'
import type { Tail } from '../live/tail.js'
import { element } from './dom.js'
import { openRow, rowOf } from './row.js'
import { schedule } from './schedule.js'
import { VirtualList } from './virtual-list.js'

const ROW_HEIGHT = 30

/**
 * The messages of a tail, newest first. While somebody reads — the list is scrolled, a row is open, the keyboard is in it — or it
 * is paused, it stands still and what comes is counted.
 */
export class TailList {
  readonly viewport: HTMLElement
  readonly #rows: VirtualList<Entry>
  readonly #onDraw: (fresh: number, held: boolean) => void
  #paused = false
  /** How many entries had come when the list was last brought up to date. */
  #shownAt = 0

  constructor (readonly tail: Tail, onDraw: (fresh: number, held: boolean) => void) {
    const list = element('ol', { role: 'log', 'aria-live': 'off', 'aria-label': `Messages of ${tail.channels.join(', ')}, newest first` })
    this.viewport = element('div', { class: 'rows', tabindex: -1 }, list)
    this.#onDraw = onDraw
    const named = tail.channels.length > 1
    const render = (entry: Entry): HTMLElement => this.#row(entry, named)
    this.#rows = new VirtualList<Entry>({ viewport: this.viewport, list, rowHeight: ROW_HEIGHT, render })
    list.addEventListener('click', ({ target }) => { if (lineOf(target) !== null) this.#toggle(this.#rows.itemOf(target)) })
    list.addEventListener('keydown', (event) => { this.#steer(event) })
    list.addEventListener('focusout', () => { this.draw() })
    this.viewport.addEventListener('scroll', () => { this.draw() }, { passive: true })
    this.draw()
  }

  set paused (paused: boolean) {
    this.#paused = paused
    this.draw()
  }

  get paused (): boolean {
    return this.#paused
  }

  /** Shows the newest messages, whatever held the list. */
  release (): void {
    this.#paused = false
    this.#rows.closeAll()
    if (this.viewport.contains(document.activeElement)) (document.activeElement as HTMLElement).blur()
    this.viewport.scrollTop = 0
    this.draw()
  }

  /** Shows what matches the filter by now, also while it stands still. */
  refilter (): void {
    this.#rows.closeAll()
    this.viewport.scrollTop = 0
    this.#show()
    this.draw()
  }

  readonly draw = (): void => { schedule(this.#draw) }

  readonly #draw = (): void => {
    const held = this.#held
    const still = held && !this.#rows.numbered
    this.#rows.numbered = held
    if (!held) this.#show()
    else if (still) this.#rows.draw()
    this.#onDraw(this.tail.count - this.#shownAt, held)
  }

  get #held (): boolean {
    return this.#paused || this.viewport.scrollTop > 0 || this.#rows.openCount > 0 || this.viewport.querySelector(':focus-visible') !== null
  }

  #show (): void {
    this.#shownAt = this.tail.count
    this.#rows.show([...this.tail.shown].reverse())
    // One row can be reached by Tab; the arrow keys lead on from there.
    if (this.viewport.querySelector('.line[tabindex="0"]') === null) lineOf(this.viewport.querySelector('.line'))?.setAttribute('tabindex', '0')
  }

  #row (entry: Entry, named: boolean): HTMLElement {
    const row = rowOf(entry, named)
    if (entry.kind === 'message' && this.#rows.isOpen(entry)) openRow(row, entry, true)
    return row
  }

  #toggle (entry: Entry | undefined): void {
    if (entry?.kind !== 'message') return
    const open = !this.#rows.isOpen(entry)
    const row = this.#rows.row(entry)
    if (row !== undefined) openRow(row, entry, open)
    this.#rows.setOpen(entry, open)
    this.draw()
  }

  #steer (event: KeyboardEvent): void {
    const entry = this.#rows.itemOf(event.target)
    const line = lineOf(event.target)
    if (event.key === 'Escape') { this.release(); return }
    if (entry === undefined || line === null) return
    const { items } = this.#rows
    const index = items.indexOf(entry)
    const last = items.length - 1
    const target = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last, PageDown: index + 10, PageUp: index - 10 }[event.key]
    if (target === undefined) return
    event.preventDefault()
    const next = this.#rows.reveal(Math.max(0, Math.min(last, target)))?.querySelector<HTMLElement>('.line')
    if (next === null || next === undefined || next === line) return
    line.setAttribute('tabindex', '-1')
    next.setAttribute('tabindex', '0')
    next.focus({ preventScroll: true })
  }
}

/** The line that an element belongs to. */
function lineOf (target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('.line') : null
}
