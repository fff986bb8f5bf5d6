/** Rows above and below the visible ones, so that scrolling does not show a blank. */
const MARGIN = 8

/** Options of a {@link VirtualList}. */
export interface Rows<T> {
  /** The element that scrolls. */
  viewport: HTMLElement
  /** A list in it, which gets the rows. */
  list: HTMLElement
  /** The height of a row in pixels, unless it is an open one. */
  rowHeight: number
  render: (item: T) => HTMLElement
  /** Shows a row anew that is there already. */
  refresh?: (row: HTMLElement, item: T) => void
}

/** A list of any length of which only the visible rows are elements. Rows may be opened; their heights are measured. */
export class VirtualList<T extends object | string> {
  /** The heights of open rows. */
  readonly #open = new Map<T, number>()
  readonly #rows = new Map<T, HTMLElement>()
  readonly #items = new WeakMap<Element, { item: T }>()
  readonly #resized = new ResizeObserver((entries) => { this.#measure(entries) })
  #shown: readonly T[] = []
  /** Whether rows say which of how many they are; not worth it while they move. */
  numbered = true

  constructor (readonly options: Rows<T>) {
    options.viewport.addEventListener('scroll', () => { this.draw() }, { passive: true })
    this.#resized.observe(options.viewport)
  }

  get items (): readonly T[] {
    return this.#shown
  }

  get openCount (): number {
    return this.#open.size
  }

  /** Shows other items. Rows of items that stay are kept. */
  show (items: readonly T[]): void {
    this.#shown = items
    this.draw()
  }

  isOpen (item: T): boolean {
    return this.#open.has(item)
  }

  setOpen (item: T, open: boolean): void {
    const row = this.#rows.get(item)
    if (open) this.#open.set(item, this.options.rowHeight)
    else this.#open.delete(item)
    if (row !== undefined) {
      if (open) this.#resized.observe(row)
      else this.#resized.unobserve(row)
    }
    this.draw()
  }

  closeAll (): void {
    for (const item of [...this.#open.keys()]) {
      const row = this.#rows.get(item)
      if (row !== undefined) this.#resized.unobserve(row)
      // An open row has an element for its content, which is made anew.
      this.#remove(item)
    }
    this.#open.clear()
  }

  row (item: T): HTMLElement | undefined {
    return this.#rows.get(item)
  }

  /** The item of the row that an element belongs to. */
  itemOf (target: EventTarget | null): T | undefined {
    const row = target instanceof Element ? target.closest('li') : null
    return row === null ? undefined : this.#items.get(row)?.item
  }

  /** Scrolls as far as necessary to show an item; returns its row. */
  reveal (index: number): HTMLElement | undefined {
    const { viewport } = this.options
    const top = this.#top(index)
    const bottom = this.#top(index + 1)
    if (top < viewport.scrollTop) viewport.scrollTop = top
    else if (bottom > viewport.scrollTop + viewport.clientHeight) viewport.scrollTop = Math.min(top, bottom - viewport.clientHeight)
    this.draw()
    const item = this.#shown[index]
    return item === undefined ? undefined : this.#rows.get(item)
  }

  draw (): void {
    const { viewport, list, render, refresh } = this.options
    const items = this.#shown
    const from = Math.max(0, this.#indexAt(viewport.scrollTop) - MARGIN)
    const to = Math.min(items.length, this.#indexAt(viewport.scrollTop + viewport.clientHeight) + 1 + MARGIN)
    const visible = new Set(items.slice(from, to))
    for (const item of [...this.#rows.keys()]) if (!visible.has(item)) this.#remove(item)
    let next = list.firstElementChild
    let index = from
    for (const item of visible) {
      let row = this.#rows.get(item)
      if (row === undefined) {
        row = render(item)
        this.#rows.set(item, row)
        this.#items.set(row, { item })
        if (this.#open.has(item)) this.#resized.observe(row)
      } else {
        refresh?.(row, item)
      }
      index++
      if (this.numbered) number(row, index, items.length)
      if (row === next) next = next.nextElementSibling
      else list.insertBefore(row, next)
    }
    list.style.paddingTop = `${this.#top(from)}px`
    list.style.paddingBottom = `${this.#top(items.length) - this.#top(to)}px`
  }

  #remove (item: T): void {
    const row = this.#rows.get(item)
    if (row === undefined) return
    this.#rows.delete(item)
    this.#resized.unobserve(row)
    // The focus would be lost to the page.
    if (row.contains(document.activeElement)) this.options.viewport.focus({ preventScroll: true })
    row.remove()
  }

  #measure (entries: ResizeObserverEntry[]): void {
    for (const { target, borderBoxSize } of entries) {
      const found = this.#items.get(target)
      const height = borderBoxSize[0]?.blockSize ?? this.options.rowHeight
      if (found !== undefined && this.#open.has(found.item)) this.#open.set(found.item, height)
    }
    this.draw()
  }

  /** The open items with their places, in order. */
  #openPlaces (): Array<[index: number, more: number]> {
    if (this.#open.size === 0) return []
    const { rowHeight } = this.options
    const places = [...this.#open].map(([item, height]): [number, number] => [this.#shown.indexOf(item), height - rowHeight])
    return places.filter(([index]) => index >= 0).sort(([a], [b]) => a - b)
  }

  /** How far down the row of an index begins. */
  #top (index: number): number {
    return this.#openPlaces().reduce((top, [place, more]) => place < index ? top + more : top, index * this.options.rowHeight)
  }

  /** The index of the row at a distance from the beginning. */
  #indexAt (distance: number): number {
    const { rowHeight } = this.options
    let before = 0
    for (const [place, more] of this.#openPlaces()) {
      const begin = place * rowHeight + before
      if (distance < begin + rowHeight) break
      if (distance < begin + rowHeight + more) return place
      before += more
    }
    return Math.floor((distance - before) / rowHeight)
  }
}

function number (row: HTMLElement, position: number, size: number): void {
  const [positionText, sizeText] = [String(position), String(size)]
  if (row.ariaPosInSet !== positionText) row.ariaPosInSet = positionText
  if (row.ariaSetSize !== sizeText) row.ariaSetSize = sizeText
}
