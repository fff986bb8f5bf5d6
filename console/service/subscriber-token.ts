import { Signal } from '../signal.js'
import { ask } from './api.js'
import type { Session } from './session.js'

/** Gives the page the right to subscribe where that needs a token: one is made with the operator's. */
export class SubscriberToken {
  readonly changed = new Signal()
  readonly #session: Session
  #needed = false
  #problem = ''

  constructor (session: Session) {
    this.#session = session
  }

  /** Whether subscribing needs a token here. */
  get needed (): boolean {
    return this.#needed
  }

  /** Why there is none. */
  get problem (): string {
    return this.#problem
  }

  /** To be called when the service has refused a channel for want of a token. */
  need (): void {
    if (this.#needed) return
    this.#needed = true
    this.changed.emit()
  }

  /** For the client: one function, so that all channels share a connection. */
  readonly get = async (channels: string[]): Promise<string | undefined> => {
    if (!this.#needed) return undefined
    const { token, role } = this.#session
    if (role === 'publisher') return token
    if (role !== 'operator') throw this.#fail('Subscribing needs a token here. Enter the operator’s, and the page has one made for itself.')
    const answer = await ask<{ token: string }>('-/tokens', { token, method: 'POST', body: JSON.stringify({ subscribe: channels }) })
    if (answer.kind === 'ok') {
      this.#set('')
      return answer.value.token
    }
    throw this.#fail(answer.kind === 'absent' ? 'Subscribing needs a token here, and this service does not make any: its tokens come from elsewhere.' : `No token for subscribing: ${answer.message}`)
  }

  #fail (problem: string): Error {
    this.#set(problem)
    return new Error(problem)
  }

  #set (problem: string): void {
    if (this.#problem === problem) return
    this.#problem = problem
    this.changed.emit()
  }
}
