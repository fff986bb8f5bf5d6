import { connections } from '../live/connections.js'
import type { Feeds } from '../live/feeds.js'
import { count } from '../service/format.js'
import type { Health } from '../service/health.js'
import { byId, element, setText, showText } from './dom.js'
import { schedule } from './schedule.js'
import { STATES, stateOf } from './states.js'

const HEALTH = { unknown: 'Health unknown', ready: 'Ready', 'not-ready': 'Not ready', unreachable: 'Unreachable' } as const
const MAX_NAMES = 30

/** The top right: whether the service is ready, and which connections carry the channels. */
export class StatusView {
  readonly #feeds: Feeds
  readonly #health: Health

  constructor (feeds: Feeds, health: Health) {
    this.#feeds = feeds
    this.#health = health
    for (const signal of [feeds.changed, connections.changed, health.changed]) signal.on(() => { schedule(this.#draw) })
    const details = byId<HTMLDetailsElement>('connection-details')
    details.addEventListener('toggle', () => { schedule(this.#draw) })
    // As a menu does.
    addEventListener('click', ({ target }) => { if (target instanceof Node && !details.contains(target)) details.open = false })
    details.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape') return
      details.open = false
      details.querySelector('summary')?.focus()
    })
    this.#draw()
  }

  readonly #draw = (): void => {
    const { state: health, reason } = this.#health
    byId('health').dataset['state'] = health
    setText(byId('health-text'), reason === '' ? HEALTH[health] : `Not ready: ${reason}`)
    const feeds = this.#feeds.all
    const state = stateOf(feeds.map((feed) => feed.state))
    byId('state').dataset['state'] = state
    setText(byId('state-text'), feeds.length === 0 ? 'Not watching' : STATES[state])
    const open = connections.all
    const names = [...new Set(open.map(({ transport }) => transport))]
    setText(byId('carried'), feeds.length === 0 ? '' : [...names.map((name) => count(open.filter(({ transport }) => transport === name).length, name)), count(feeds.length, 'channel')].join(' · '))
    const refused = feeds.filter((feed) => feed.refusal !== '')
    showText(byId('refused'), refused.length === 0 ? '' : `Refused: ${refused.slice(0, MAX_NAMES).map((feed) => `${feed.channel} (${feed.refusal})`).join(', ')}`)
    if (byId<HTMLDetailsElement>('connection-details').open) this.#list()
  }

  #list (): void {
    const rows = connections.all.map(({ transport, number, channels, open, since, messages }) => element('li', {},
      element('strong', {}, `${transport} ${number}`),
      element('span', {}, `${open ? `open since ${new Date(since).toLocaleTimeString()}` : 'connecting'} · ${count(channels.size, 'channel')} · ${count(messages, 'message')}`),
      element('span', { class: 'names' }, [...channels].slice(0, MAX_NAMES).join(', ') + (channels.size > MAX_NAMES ? ' …' : ''))))
    byId('connection-list').replaceChildren(...rows)
    byId('no-connection').hidden = rows.length > 0
  }
}
