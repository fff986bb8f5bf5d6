import { Signal } from '../signal.js'
import { ask } from './api.js'
import { Poller, type Turn } from './poller.js'
import type { Session } from './session.js'

const INTERVAL_MS = 3_000

/** A channel as the server describes it. */
export interface Details {
  channel: string
  subscribers: number
  members?: Array<{ sub: string, connections: number }>
  /** The number of members, where there are too many to list. */
  count?: number
  id?: string
}

/** One channel with its members. */
export class ChannelDetails {
  readonly changed = new Signal()
  readonly #session: Session
  readonly #poller = new Poller(INTERVAL_MS, () => this.#turn())
  #channel: string | undefined
  #details: Details | undefined
  #problem = ''

  constructor (session: Session) {
    this.#session = session
    session.changed.on(() => { this.channel = this.#channel })
  }

  get channel (): string | undefined {
    return this.#channel
  }

  set channel (channel: string | undefined) {
    if (channel !== this.#channel) this.#details = undefined
    this.#channel = channel
    this.#problem = ''
    if (channel === undefined) this.#poller.stop()
    else this.#poller.start()
    this.changed.emit()
  }

  /** Undefined while nothing is known. */
  get details (): Details | undefined {
    return this.#details
  }

  get problem (): string {
    return this.#problem
  }

  async #turn (): Promise<Turn> {
    const channel = this.#channel
    const { token, role } = this.#session
    if (channel === undefined || role !== 'operator') return 'stop'
    const answer = await ask<Details>(`-/channels/${encodeURIComponent(channel)}`, { token })
    if (channel !== this.#channel) return 'ok'
    this.#details = answer.kind === 'ok' ? answer.value : undefined
    this.#problem = answer.kind === 'ok' ? '' : answer.kind === 'absent' ? 'This version of the service does not tell more about a channel.' : answer.message
    this.changed.emit()
    return answer.kind === 'absent' ? 'absent' : answer.kind === 'refused' ? 'stop' : 'ok'
  }
}
