import { type Format, type Input, readInput } from '../json/input.js'
import { isChannel, NAME_RULE } from '../live/address.js'
import { publish, type Receipt } from '../service/publish.js'
import type { Session } from '../service/session.js'
import { Signal } from '../signal.js'
import { byId, element, setText, showText } from './dom.js'
import type { TailsView } from './tails-view.js'
import type { TokenView } from './token-view.js'

/** The form that publishes. The message is sent as it is written, and only when it is what it is meant to be. */
export class PublishView {
  readonly changed = new Signal()
  readonly #session: Session
  readonly #token: TokenView
  readonly #channel = byId<HTMLInputElement>('publish-channel')
  readonly #message = byId<HTMLTextAreaElement>('message')
  readonly #format = byId<HTMLSelectElement>('format')
  readonly #send = byId('send')
  /** Whether the channel follows what is watched; until somebody enters another one. */
  #follows = true

  constructor (session: Session, token: TokenView, tails: TailsView) {
    this.#session = session
    this.#token = token
    byId('publish-form').addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#send.getAttribute('aria-disabled') !== 'true') void this.#publish()
    })
    this.#message.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) byId<HTMLFormElement>('publish-form').requestSubmit()
    })
    for (const field of [this.#message, this.#format]) field.addEventListener('input', () => { this.#check() })
    this.#channel.addEventListener('input', () => {
      this.#follows = false
      this.#check()
    })
    const follow = (): void => {
      byId('watched').replaceChildren(...tails.channels.map((name) => element('option', { value: name })))
      if (this.#follows) this.#channel.value = tails.channels[0] ?? this.#channel.value
      this.#check()
    }
    tails.changed.on(follow)
    follow()
  }

  get channel (): string {
    return this.#channel.value.trim()
  }

  set channel (name: string) {
    this.#follows = false
    this.#channel.value = name
    this.#check()
    this.#message.focus()
  }

  get input (): Input {
    return readInput(this.#message.value, this.#format.value as Format)
  }

  #check (): void {
    const { input, channel } = this
    const kind = { json: 'JSON', text: 'Text', missing: 'Nothing', invalid: 'Invalid JSON' }[input.kind]
    setText(byId('kind'), kind)
    byId('kind').dataset['kind'] = input.kind
    setText(this.#send, `Push to ${channel || '…'}`)
    this.#message.removeAttribute('aria-invalid')
    this.#channel.removeAttribute('aria-invalid')
    byId('publish-error').hidden = true
    this.changed.emit()
  }

  async #publish (): Promise<void> {
    byId('answer').hidden = byId('publish-error').hidden = true
    const { input, channel } = this
    if (!isChannel(channel)) { this.#fail(NAME_RULE, this.#channel); return }
    if (input.kind === 'missing') { this.#fail('There is no message. Anything but null and an empty text can be pushed.', this.#message); return }
    if (input.kind === 'invalid') {
      this.#fail(`This is not JSON, and nothing was pushed: ${input.problem}.${this.#format.value === 'auto' ? ' To push it as it stands, choose Text.' : ''}`, this.#message)
      return
    }
    this.#send.setAttribute('aria-disabled', 'true')
    // The token is known to be good before anything is published with it.
    if (await this.#token.check()) await this.#post(channel, input.json)
    this.#send.removeAttribute('aria-disabled')
  }

  async #post (channel: string, json: string): Promise<void> {
    const wait = byId<HTMLInputElement>('receipts').checked ? Number(byId<HTMLSelectElement>('wait').value) : 0
    if (wait > 0) setText(this.#send, 'Waiting for receipts')
    const outcome = await publish(channel, json, this.#session.token, wait)
    setText(this.#send, `Push to ${this.channel || '…'}`)
    if (outcome.kind === 'token') {
      this.#session.refuse(outcome.problem)
      this.#token.focus()
    } else if (outcome.kind === 'failed') {
      this.#fail(outcome.problem)
    } else {
      const { summary, id, receipt, latency = '', note } = outcome
      byId('answer').replaceChildren(element('strong', {}, summary), element('span', { class: 'id' }, id), ...receipt === undefined ? [] : receiptOf(receipt), ...latency === '' ? [] : [element('span', {}, latency)], ...note === '' ? [] : [element('span', { class: 'hint' }, note)])
      byId('answer').hidden = false
      // The part of the page may scroll for itself.
      byId('answer').scrollIntoView({ block: 'nearest' })
    }
  }

  #fail (problem: string, field?: HTMLElement): void {
    showText(byId('publish-error'), problem)
    byId('publish-error').scrollIntoView({ block: 'nearest' })
    field?.setAttribute('aria-invalid', 'true')
    field?.focus()
  }
}

function receiptOf (receipt: Receipt): HTMLElement[] {
  const parts = [['received', receipt.received], ['silent', receipt.silent], ['unable', receipt.unable]] as const
  const bar = element('span', { class: 'bar', 'aria-hidden': 'true' }, ...parts.filter(([, value]) => value > 0).map(([name, value]) => {
    const part = element('span', { class: name })
    part.style.flexGrow = String(value)
    return part
  }))
  return [bar, element('span', { class: 'receipt' }, ...parts.map(([name, value]) => element('span', { class: name }, element('b', {}, value.toLocaleString('en')), ` ${name}`)))]
}
