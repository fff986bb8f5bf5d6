import { countParts, decoded, kindAt, type Part, partsOf } from '../json/parts.js'
import { count } from '../service/format.js'
import { copy } from './copying.js'
import { button, element } from './dom.js'

/** How many parts of an object or array are shown at once. */
const PAGE = 100
/** Containers with more parts are closed at first. */
const OPEN_PARTS = 30
/** Longer strings are cut, with a way to see the rest. */
const MAX_STRING = 2_000

/** A message as a tree that is built as far as it is opened. Numbers stand as they are written. */
export function treeOf (json: string): HTMLElement {
  const kind = kindAt(json, 0)
  if (kind === 'object' || kind === 'array') return branches(json, 0)
  const value = leaf(json, { key: undefined, start: 0, end: json.length })
  value.classList.add('alone')
  return value
}

function branches (json: string, start: number): HTMLElement {
  const list = element('ul', { class: 'tree' })
  const parts = partsOf(json, start)
  let index = 0
  const add = (): void => {
    for (let added = 0; added < PAGE; added++) {
      const { value: part, done } = parts.next()
      if (done === true) return
      list.append(element('li', {}, branch(json, part, index++)))
    }
    const more = element('li', {}, button({ class: 'quiet' }, 'Show more', () => {
      const before = list.childElementCount - 1
      more.remove()
      add()
      list.children[before]?.querySelector<HTMLElement>('summary, button')?.focus()
    }))
    list.append(more)
  }
  add()
  return list
}

function branch (json: string, part: Part, index: number): HTMLElement {
  const kind = kindAt(json, part.start)
  if (kind !== 'object' && kind !== 'array') return leaf(json, part, index)
  const parts = countParts(json, part.start)
  const summary = element('summary', {}, keyOf(part, index), element('span', { class: 'size' }, kind === 'object' ? `{ ${count(parts, 'key')} }` : `[ ${count(parts, 'item')} ]`))
  const details = element('details', {}, summary)
  const fill = (): void => { if (details.open && details.childElementCount === 1) details.append(branches(json, part.start)) }
  details.addEventListener('toggle', fill)
  details.open = parts > 0 && parts <= OPEN_PARTS
  fill()
  return element('div', { class: 'node' }, details, copier(json, part, index))
}

function leaf (json: string, part: Part, index?: number): HTMLElement {
  const kind = kindAt(json, part.start)
  const written = json.slice(part.start, part.end)
  const shown = kind === 'string' ? decoded(written) : written
  const value = element('span', { class: `value ${kind}` }, shown.slice(0, MAX_STRING))
  const line = element('div', { class: 'node leaf' }, keyOf(part, index), value)
  if (shown.length > MAX_STRING) {
    const all = button({ class: 'quiet' }, `Show all ${shown.length.toLocaleString('en')} characters`, () => {
      value.textContent = shown
      all.remove()
    })
    line.append(all)
  }
  if (index !== undefined) line.append(copier(json, part, index))
  return line
}

function keyOf ({ key }: Part, index: number | undefined): HTMLElement | string {
  return index === undefined ? '' : element('span', { class: key === undefined ? 'key index' : 'key' }, key ?? String(index))
}

/** Copies the characters of a string, and everything else as it is written. */
function copier (json: string, part: Part, index: number): HTMLButtonElement {
  const written = json.slice(part.start, part.end)
  const copier = button({ class: 'copy quiet', 'aria-label': `Copy ${part.key ?? `item ${index}`}` }, 'Copy', () => {
    void copy(kindAt(json, part.start) === 'string' ? decoded(written) : written, copier)
  })
  return copier
}
