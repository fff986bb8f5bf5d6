import { isChannel } from '../live/address.js'
import type { ChannelDetails } from '../service/channel-details.js'
import type { ChannelList, Listed } from '../service/channel-list.js'
import { count, short } from '../service/format.js'
import { button, byId, element, setText, showText } from './dom.js'
import { schedule } from './schedule.js'
import type { TailsView } from './tails-view.js'
import { VirtualList } from './virtual-list.js'

const ROW_HEIGHT = 36

/** The channels of the server with their subscribers; those that are watched where the server does not tell. */
export class ChannelsView {
  readonly #list: ChannelList
  readonly #tails: TailsView
  readonly #details: ChannelDetails
  readonly #rows: VirtualList<string>
  readonly #search = byId<HTMLInputElement>('channel-search')
  /** The subscribers of the channels that are listed. */
  #subscribers = new Map<string, number>()

  constructor (list: ChannelList, tails: TailsView, details: ChannelDetails) {
    this.#list = list
    this.#tails = tails
    this.#details = details
    this.#rows = new VirtualList<string>({
      viewport: byId('channel-rows'),
      list: byId('channel-list'),
      rowHeight: ROW_HEIGHT,
      render: (name) => this.#row(name),
      refresh: (row, name) => { this.#refresh(row, name) }
    })
    this.#search.addEventListener('input', () => {
      byId('channel-rows').scrollTop = 0
      list.search = this.#search.value.trim()
    })
    for (const signal of [list.changed, tails.changed, details.changed]) signal.on(() => { schedule(this.#draw) })
    this.#draw()
  }

  readonly #draw = (): void => {
    const { found, more, problem } = this.#list
    const search = this.#search.value.trim().toLowerCase()
    const watched = this.#tails.channels.filter((name) => name.toLowerCase().includes(search))
    const listed: Listed[] = found ?? watched.map((channel) => ({ channel, subscribers: NaN }))
    this.#subscribers = new Map(listed.map(({ channel, subscribers }) => [channel, subscribers]))
    this.#rows.show([...this.#subscribers.keys()])
    setText(byId('channel-count'), found === undefined ? '' : `${more ? 'First ' : ''}${count(found.length, 'channel')}`)
    showText(byId('channels-problem'), problem)
    showText(byId('channels-hint'), listed.length > 0 ? '' : found === undefined ? 'None is watched.' : search === '' ? 'No channel has a subscriber.' : 'No channel with a subscriber has this in its name.')
  }

  #row (name: string): HTMLElement {
    const select = button({ class: 'name' }, '', () => { this.#details.channel = this.#details.channel === name ? undefined : name })
    select.append(element('span', { class: 'text' }, name), element('span', { class: 'number' }))
    const watch = button({ class: 'quiet watch' }, '', () => {
      if (this.#tails.channels.includes(name)) this.#tails.unwatch(name)
      else this.#tails.watch([name])
    })
    watch.disabled = !isChannel(name)
    const row = element('li', { class: 'channel' }, select, watch)
    this.#refresh(row, name)
    return row
  }

  #refresh (row: HTMLElement, name: string): void {
    const subscribers = this.#subscribers.get(name) ?? NaN
    const watched = this.#tails.channels.includes(name)
    const [select, watch] = row.children as unknown as [HTMLElement, HTMLElement]
    const number = select.lastElementChild as HTMLElement
    setText(number, Number.isNaN(subscribers) ? '' : short(subscribers))
    number.title = Number.isNaN(subscribers) ? '' : count(subscribers, 'subscriber')
    select.setAttribute('aria-label', Number.isNaN(subscribers) ? name : `${name}, ${count(subscribers, 'subscriber')}`)
    select.setAttribute('aria-pressed', String(this.#details.channel === name))
    setText(watch, watched ? 'Watched' : 'Watch')
    watch.setAttribute('aria-label', watched ? `Stop watching ${name}` : `Watch ${name}`)
    watch.setAttribute('aria-pressed', String(watched))
  }
}
