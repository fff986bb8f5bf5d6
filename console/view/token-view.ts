import { Signal } from '../signal.js'
import type { Session } from '../service/session.js'
import { byId, setText, showText } from './dom.js'

const ROLES = {
  operator: ['Operator', 'until this tab is closed'],
  publisher: ['Publisher', 'may push, until this tab is closed'],
  metrics: ['Metrics', 'may see the charts, until this tab is closed']
} as const

/** The field of the token, which gives way to what the token is good for. */
export class TokenView {
  readonly accepted = new Signal()
  readonly #session: Session
  readonly #field = byId<HTMLInputElement>('token')

  constructor (session: Session) {
    this.#session = session
    byId('token-form').addEventListener('submit', (event) => {
      event.preventDefault()
      void this.check()
    })
    byId('reveal').addEventListener('click', () => { this.#reveal(this.#field.type === 'password') })
    byId('forget').addEventListener('click', () => {
      session.forget()
      this.#field.focus()
    })
    this.#field.addEventListener('input', () => { this.#field.removeAttribute('aria-invalid'); byId('token-error').hidden = true })
    session.changed.on(() => { this.#draw() })
    this.#draw()
  }

  /** Whether there is a token that the server has accepted; checks the one in the field if it has not been. */
  async check (): Promise<boolean> {
    const session = this.#session
    if (session.role !== undefined) return true
    if (session.checking) return false
    const accepted = await session.offer(this.#field.value.trim())
    if (accepted) {
      this.#field.value = ''
      this.#reveal(false)
      this.accepted.emit()
    } else {
      this.focus()
    }
    return accepted
  }

  focus (): void {
    this.#field.focus()
  }

  set value (token: string) {
    this.#field.value = token
  }

  #draw (): void {
    const { role, problem, checking } = this.#session
    const [title, hint] = role === undefined ? ['', ''] : ROLES[role]
    byId('token-form').hidden = role !== undefined
    byId('token-accepted').hidden = role === undefined
    setText(byId('token-role'), title)
    setText(byId('token-role-hint'), hint)
    showText(byId('token-error'), problem)
    if (problem === '') this.#field.removeAttribute('aria-invalid')
    else this.#field.setAttribute('aria-invalid', 'true')
    byId('token-check').setAttribute('aria-disabled', String(checking))
    setText(byId('token-check'), checking ? 'Checking' : 'Unlock')
  }

  #reveal (shown: boolean): void {
    const reveal = byId('reveal')
    this.#field.type = shown ? 'text' : 'password'
    setText(reveal, shown ? 'Hide' : 'Show')
    reveal.setAttribute('aria-pressed', String(shown))
  }
}
