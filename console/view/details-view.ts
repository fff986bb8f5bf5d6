import type { ChannelDetails, Details } from '../service/channel-details.js'
import { count } from '../service/format.js'
import type { Session } from '../service/session.js'
import { byId, element, setText, showText } from './dom.js'
import { schedule } from './schedule.js'

/** More members are counted and not shown. */
const MAX_MEMBERS = 200

/** The channel that is selected in the list: subscribers, position and members. */
export class DetailsView {
  readonly #details: ChannelDetails
  readonly #session: Session
  #members = ''

  constructor (details: ChannelDetails, session: Session, publishTo: (channel: string) => void) {
    this.#details = details
    this.#session = session
    byId('details-close').addEventListener('click', () => { details.channel = undefined })
    byId('details-publish').addEventListener('click', () => { publishTo(details.channel ?? '') })
    details.changed.on(() => { schedule(this.#draw) })
    this.#draw()
  }

  readonly #draw = (): void => {
    const { channel, details, problem } = this.#details
    byId('details').hidden = channel === undefined
    if (channel === undefined) return
    setText(byId('details-title'), channel)
    const locked = this.#session.role !== 'operator'
    showText(byId('details-problem'), locked ? 'Subscribers and members need the operator’s token.' : problem)
    const { subscribers, id } = details ?? {}
    const facts = [['Subscribers', subscribers?.toLocaleString('en')], ['Position', id]].flatMap(([name = '', value]) => value === undefined ? [] : [element('div', {}, element('dt', {}, name), element('dd', {}, value))])
    byId('details-facts').replaceChildren(...facts)
    this.#showMembers(details)
  }

  #showMembers (details: Details | undefined): void {
    const { members = [], count: total = members.length } = details ?? {}
    const text = JSON.stringify([members, total, details === undefined])
    if (text === this.#members) return
    this.#members = text
    byId('details-members').hidden = details === undefined
    setText(byId('members-title'), total === 0 ? 'Members' : count(total, 'member'))
    showText(byId('members-hint'), hintOf(total, Math.min(members.length, MAX_MEMBERS)))
    byId('members').replaceChildren(...members.slice(0, MAX_MEMBERS).map(({ sub, connections }) =>
      element('li', {}, element('span', {}, sub), ...connections > 1 ? [element('span', { class: 'number', title: count(connections, 'connection') }, `×${connections}`)] : [])))
  }
}

function hintOf (total: number, shown: number): string {
  if (total === 0) return 'None: a channel has members where its rule says so, and its subscribers have a subject.'
  return shown === 0 ? 'They are too many to be listed.' : shown < total ? `The first ${shown} are shown.` : ''
}
