import type { Entry, Message } from '../live/entry.js'
import { kindAt } from '../json/parts.js'
import { preview } from '../json/preview.js'
import { bytes, clock } from '../service/format.js'
import { copy } from './copying.js'
import { button, element } from './dom.js'
import { treeOf } from './tree.js'

/** The line of an entry; {@link openRow} adds the tree. `named`: whether the channel is shown. */
export function rowOf (entry: Entry, named: boolean): HTMLElement {
  const time = timeOf(entry)
  const channel = named ? [element('span', { class: 'of' }, entry.channel)] : []
  if (entry.kind === 'note') {
    return element('li', { class: `row note ${entry.tone}`, title: entry.text }, element('div', { class: 'line', tabindex: -1 }, time, ...channel, element('span', { class: 'text' }, entry.text)))
  }
  const line = button({ class: 'line', 'aria-expanded': 'false', tabindex: -1 }, '', () => undefined)
  const kind = kindAt(entry.json, 0)
  line.append(time, ...channel, element('span', { class: `text ${kind}` }, preview(entry.json)), element('span', { class: 'id', title: `Id ${entry.id}` }, entry.id.slice(entry.id.lastIndexOf(':') + 1)))
  return element('li', { class: 'row' }, line)
}

/** Opens a row, or closes it. */
export function openRow (row: HTMLElement, entry: Message, open: boolean): void {
  row.firstElementChild?.setAttribute('aria-expanded', String(open))
  row.classList.toggle('open', open)
  row.querySelector('.detail')?.remove()
  if (open) row.append(detailOf(entry))
}

function detailOf (entry: Message): HTMLElement {
  const { json, id, channel, from } = entry
  const message = button({ class: 'quiet' }, 'Copy message', () => { void copy(json, message) })
  const position = button({ class: 'quiet' }, 'Copy id', () => { void copy(id, position) })
  const facts = [
    ['channel', channel], ['id', id], ['time', `${isoOf(entry.time)}${entry.timed ? '' : ' (arrival)'}`], ['from', from], ['size', bytes(new TextEncoder().encode(json).length)]
  ].flatMap(([name = '', value]) => value === undefined ? [] : [element('div', {}, element('dt', {}, name), element('dd', {}, value))])
  return element('div', { class: 'detail' }, element('div', { class: 'tools' }, element('dl', {}, ...facts), element('span', { class: 'buttons' }, message, position)), treeOf(json))
}

function timeOf (entry: Entry): HTMLTimeElement {
  const iso = isoOf(entry.time)
  const timed = entry.kind === 'note' || entry.timed
  return element('time', { datetime: iso, class: timed ? '' : 'arrival', title: timed ? iso : `${iso}, when it arrived: the service did not say when it was sent` }, clock(entry.time))
}

function isoOf (time: number): string {
  return new Date(time).toISOString()
}
