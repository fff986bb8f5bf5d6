import { connections } from '../live/connections.js'
import type { Tail } from '../live/tail.js'
import { count, short } from '../service/format.js'
import { button, element, setText } from './dom.js'
import { schedule } from './schedule.js'
import { STATES, stateOf } from './states.js'
import { TailList } from './tail-list.js'

/** A tail with its head: channels, connection, rate, filter and buttons. */
export class TailView {
  readonly root: HTMLElement
  readonly #list: TailList
  readonly #state = element('span', { class: 'dot' })
  readonly #facts = element('span', { class: 'facts' })
  readonly #fresh: HTMLButtonElement
  readonly #pause: HTMLButtonElement
  readonly #empty = element('div', { class: 'empty' })
  readonly #stop: Array<() => void> = []

  constructor (readonly tail: Tail, onClose: () => void) {
    const { channels } = tail
    const name = channels.join(', ')
    this.#list = new TailList(tail, (fresh, held) => { this.#showFresh(fresh, held) })
    this.#fresh = button({ class: 'fresh', hidden: true }, '', () => { this.#pauseList(false) })
    this.#pause = button({ class: 'quiet', 'aria-pressed': 'false', 'aria-label': `Pause ${name}` }, 'Pause', () => { this.#pauseList(!this.#list.paused) })
    const filter = element('input', { type: 'search', placeholder: 'Filter', 'aria-label': `Filter ${name}`, autocomplete: 'off', spellcheck: 'false', title: 'Words that must occur; -word must not' })
    filter.addEventListener('input', () => {
      tail.filter = filter.value
      this.#list.refilter()
    })
    const clear = button({ class: 'quiet', 'aria-label': `Clear ${name}` }, 'Clear', () => {
      tail.clear()
      this.#list.refilter()
    })
    const close = button({ class: 'quiet close', 'aria-label': `Stop watching ${name}`, title: 'Stop watching' }, '×', onClose)
    const title = element('h3', { title: name }, ...channels.flatMap((channel, index) => index === 0 ? [channel] : [', ', channel]))
    this.root = element('section', { class: 'tail', 'aria-label': `Tail of ${name}` },
      element('header', {}, element('div', { class: 'title' }, this.#state, title, this.#facts), element('div', { class: 'tools' }, filter, this.#pause, clear, close)),
      element('div', { class: 'body' }, this.#empty, this.#list.viewport, this.#fresh))
    const draw = (): void => { schedule(this.#draw) }
    this.#stop.push(tail.changed.on(() => { draw(); this.#list.draw() }), connections.changed.on(draw))
    const timer = setInterval(draw, 1_000)
    this.#stop.push(() => { clearInterval(timer) })
    draw()
  }

  close (): void {
    for (const stop of this.#stop) stop()
    this.tail.close()
    this.root.remove()
  }

  readonly #draw = (): void => {
    const { tail } = this
    const { channels, feeds } = tail
    const state = stateOf(channels.map((channel) => feeds.get(channel)?.state ?? 'connecting'))
    const carriers = [...new Set(channels.flatMap((channel) => connections.of(channel) ?? []))]
    this.#state.dataset['state'] = state
    this.#state.title = STATES[state]
    setText(this.#facts, [
      state === 'open' ? carriers.map(({ transport, number }) => `${transport} ${number}`).join(' + ') : STATES[state],
      tail.rate > 0 ? `${short(tail.rate)}/s` : ''
    ].filter((text) => text !== '').join(' · '))
    this.#showEmpty()
  }

  #showEmpty (): void {
    const { channels, filter, shown, total } = this.tail
    this.#empty.hidden = shown.length > 0
    if (shown.length > 0) return
    const [title, hint] = filter !== '' && total > 0
      ? ['Nothing matches', `${count(total, 'entry', 'entries')} without the filter.`]
      : [`Nothing on ${channels.join(', ')} yet`, 'What is pushed appears here at once.']
    if (this.#empty.dataset['title'] === title + hint) return
    this.#empty.dataset['title'] = title + hint
    this.#empty.replaceChildren(element('strong', {}, title), element('span', {}, hint))
  }

  #pauseList (paused: boolean): void {
    if (paused) this.#list.paused = true
    else this.#list.release()
    this.#pause.setAttribute('aria-pressed', String(paused))
    setText(this.#pause, paused ? 'Resume' : 'Pause')
  }

  #showFresh (fresh: number, held: boolean): void {
    this.#fresh.hidden = !held || (fresh === 0 && !this.#list.paused)
    setText(this.#fresh, fresh > 0 ? `${count(fresh, 'new message')}: show` : 'Paused')
  }
}
