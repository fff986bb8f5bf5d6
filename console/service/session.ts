import { Signal } from '../signal.js'
import { ask, base, isToken } from './api.js'

/** `operator`: everything; `publisher`: publishing alone; `metrics`: the metrics alone. */
export type Role = 'operator' | 'publisher' | 'metrics'

/** Of this tab, and of this messenger where an origin has several. */
const KEY = `messenger token ${base.pathname}`

/** The token of the tab and what it is good for. It is checked before it is used, and kept by the tab alone. */
export class Session {
  readonly changed = new Signal()
  #token = ''
  #role: Role | undefined
  #checking = false
  #problem = ''

  get token (): string {
    return this.#token
  }

  /** The role that the token grants; undefined without an accepted token. */
  get role (): Role | undefined {
    return this.#role
  }

  get checking (): boolean {
    return this.#checking
  }

  /** Why the token is not accepted; empty while nothing speaks against it. */
  get problem (): string {
    return this.#problem
  }

  /** Takes up the token that the tab had before it was reloaded. */
  async resume (): Promise<void> {
    const token = stored()
    if (token !== '') await this.offer(token)
  }

  /** Checks a token with the server, without publishing. Resolves with whether it grants anything. */
  async offer (token: string): Promise<boolean> {
    if (token === '') return this.#settle('', 'Enter the token: pushing and all that an operator sees are only for those who have it.')
    if (!isToken(token)) return this.#settle('', 'The token contains a character that no token has, such as a space.')
    this.#checking = true
    this.#problem = ''
    this.changed.emit()
    const { role, problem } = await roleOf(token)
    this.#checking = false
    return this.#settle(token, problem, role)
  }

  /** To be called when the server refuses a token that it had accepted. */
  refuse (problem: string): void {
    this.#settle('', problem)
  }

  forget (): void {
    this.#settle('', '')
  }

  #settle (token: string, problem: string, role?: Role): boolean {
    this.#role = role
    this.#token = role === undefined ? '' : token
    this.#problem = role === undefined ? problem : ''
    store(this.#token)
    this.changed.emit()
    return role !== undefined
  }
}

async function roleOf (token: string): Promise<{ role?: Role, problem: string }> {
  const answer = await ask('-/limits', { token })
  if (answer.kind === 'ok') return { role: 'operator', problem: '' }
  if (answer.kind === 'failed') return { problem: answer.status === 0 ? 'The service cannot be reached: the token is not checked.' : `The service answered ${answer.status}: ${answer.message}` }
  if (answer.kind === 'refused' && answer.status === 403) {
    // A token of METRICS_TOKEN, which is good for nothing else, or a signed one, which is three parts long.
    if ((await ask('-/metrics', { token, read: 'text' })).kind === 'ok') return { role: 'metrics', problem: '' }
    if (token.split('.').length !== 3) return { problem: `The token is wrong: the service answered ${answer.status}.` }
  }
  // The token is checked first; there is no message that could be published.
  const publishing = await ask('send/lobby', { token, method: 'POST', body: '{}' })
  if (publishing.kind === 'failed' && publishing.status === 400) return { role: 'publisher', problem: '' }
  if (publishing.kind === 'refused' && publishing.code === 'MSG_ERR_CHANNEL_FORBIDDEN') return { role: 'publisher', problem: '' }
  return { problem: `The token is wrong: the service answered ${'status' in publishing ? publishing.status : 404}.` }
}

// A browser may forbid storage altogether.
function stored (): string {
  try {
    return sessionStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}

function store (token: string): void {
  try {
    if (token === '') sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, token)
  } catch {
    // Then the token lasts as long as the page.
  }
}
