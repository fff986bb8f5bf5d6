import { Signal } from '../signal.js'
import { ask } from './api.js'
import { Poller, type Turn } from './poller.js'
import type { Session } from './session.js'

const INTERVAL_MS = 2_000
/** How many channels are asked for: a server may give fewer. */
const LIMITS = [1_000, 100]

const LOCKED = 'These are watched. All are listed with the operator’s token.'

/** A channel with its subscribers, over all instances. */
export interface Listed {
  channel: string
  subscribers: number
}

type Found = { channels: Listed[], more: boolean }

/** The channels of the server that match a search. */
export class ChannelList {
  readonly changed = new Signal()
  readonly #session: Session
  readonly #poller = new Poller(INTERVAL_MS, () => this.#turn())
  #search = ''
  #limits = LIMITS
  #found: Found | undefined
  #asked = ''
  #problem = LOCKED

  constructor (session: Session) {
    this.#session = session
    session.changed.on(() => { this.restart() })
  }

  /** The channels that were found; undefined where the server does not list them. */
  get found (): Listed[] | undefined {
    const search = this.#search.toLowerCase()
    return this.#found?.channels.filter(({ channel }) => channel.toLowerCase().includes(search))
  }

  /** Whether there are channels that were not listed. */
  get more (): boolean {
    return this.#found?.more === true
  }

  get problem (): string {
    return this.#problem
  }

  set search (text: string) {
    this.#search = text
    this.changed.emit()
    // The list that is there may be all; otherwise the server is asked for names that begin so.
    if (this.more || this.#asked !== '') this.restart()
  }

  restart (): void {
    if (this.#session.role === 'operator') this.#poller.start()
    else {
      this.#poller.stop()
      this.#settle(undefined, LOCKED)
    }
  }

  async #turn (): Promise<Turn> {
    const { token, role } = this.#session
    if (role !== 'operator') return 'stop'
    const prefix = this.more || this.#asked !== '' ? this.#search : ''
    const answer = await ask<Found>(`-/channels?${new URLSearchParams({ prefix, limit: String(this.#limits[0]) }).toString()}`, { token })
    if (this.#session.token !== token) return 'ok'
    if (answer.kind === 'ok') {
      this.#asked = prefix
      const { channels, more } = answer.value
      this.#settle({ channels: channels.sort((a, b) => a.channel < b.channel ? -1 : 1), more }, '')
      // The search was changed meanwhile, or turns out to need the server.
      if (this.more && prefix !== this.#search) this.#poller.start()
      return 'ok'
    }
    if (answer.kind === 'absent') {
      this.#settle(undefined, 'This version of the service does not list its channels.')
      return 'absent'
    }
    if (answer.kind === 'failed' && answer.status === 400 && this.#limits.length > 1) {
      this.#limits = this.#limits.slice(1)
      this.#poller.start()
      return 'ok'
    }
    if (answer.kind === 'refused') {
      this.#session.refuse('The service does not accept the token any more.')
      return 'stop'
    }
    this.#settle(this.#found, answer.status === 0 ? 'The service cannot be reached.' : `The service answered ${answer.status}: ${answer.message}`)
    return 'ok'
  }

  #settle (found: Found | undefined, problem: string): void {
    this.#found = found
    this.#problem = problem
    this.changed.emit()
  }
}
