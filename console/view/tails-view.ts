import { fragmentOf, isChannel, namesIn, NAME_RULE, tailsOf } from '../live/address.js'
import type { Feeds } from '../live/feeds.js'
import { Tail } from '../live/tail.js'
import { Signal } from '../signal.js'
import { byId, showText } from './dom.js'
import { TailView } from './tail-view.js'

/** How many channels one tail may show: as many as one connection carries. */
const MAX_CHANNELS = 100

/** The tails of the page, which its address names: `#a,b;c` is one of two channels and one of one. */
export class TailsView {
  readonly changed = new Signal()
  readonly #views: TailView[] = []
  readonly #field = byId<HTMLInputElement>('watch-channels')
  readonly #error = byId('watch-error')
  #channels: string[] = []

  constructor (readonly feeds: Feeds) {
    byId('watch-form').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#submit()
    })
    addEventListener('hashchange', () => { if (location.hash !== fragmentOf(this.#names())) this.show(tailsOf(location.hash)) })
  }

  /** The channels that are watched. */
  get channels (): string[] {
    return this.#channels
  }

  /** Shows these tails in place of those that are there, but for the ones that stay. */
  show (tails: string[][]): void {
    const wanted = new Map(tails.map((channels) => [channels.join(), channels]))
    for (const view of [...this.#views]) {
      const key = view.tail.channels.join()
      if (!wanted.delete(key)) this.#close(view)
    }
    for (const channels of wanted.values()) this.#open(channels)
    this.#settle()
  }

  /** Adds a tail, unless there is one already. */
  watch (channels: string[]): void {
    if (!this.#names().some((names) => names.join() === channels.join())) this.#open(channels)
    this.#settle()
  }

  /** Closes the tails that show nothing but this channel. */
  unwatch (channel: string): void {
    for (const view of [...this.#views]) if (view.tail.channels.join() === channel) this.#close(view)
    this.#settle()
  }

  #submit (): void {
    const names = namesIn(this.#field.value)
    const wrong = names.find((name) => !isChannel(name))
    const problem = names.length === 0 ? 'Enter the name of a channel, or several with commas between.' : wrong !== undefined ? `${NAME_RULE} This is none: ${wrong}` : names.length > MAX_CHANNELS ? `A tail shows at most ${MAX_CHANNELS} channels.` : ''
    this.#field.setAttribute('aria-invalid', String(problem !== ''))
    showText(this.#error, problem)
    if (problem !== '') { this.#field.focus(); return }
    this.#field.value = ''
    this.watch(names)
  }

  #open (channels: string[]): void {
    const view = new TailView(new Tail(channels, this.feeds), () => {
      const next = this.#views[this.#views.indexOf(view) + 1] ?? this.#views[this.#views.indexOf(view) - 1]
      this.#close(view)
      this.#settle()
      const focus = next?.root.querySelector<HTMLElement>('.close') ?? this.#field
      focus.focus()
    })
    this.#views.push(view)
    byId('tails').append(view.root)
  }

  #close (view: TailView): void {
    this.#views.splice(this.#views.indexOf(view), 1)
    view.close()
  }

  #names (): Array<readonly string[]> {
    return this.#views.map(({ tail }) => tail.channels)
  }

  #settle (): void {
    const fragment = fragmentOf(this.#names())
    if (location.hash !== fragment) history.replaceState(null, '', fragment)
    const names = this.#channels = [...new Set(this.#names().flat())]
    document.title = names.length === 0 ? 'Messenger' : names.length === 1 ? `${names[0] ?? ''} · Messenger` : `${names.length} channels · Messenger`
    byId('tails').hidden = this.#views.length === 0
    byId('no-tails').hidden = this.#views.length > 0
    byId('tails').dataset['count'] = String(this.#views.length)
    this.changed.emit()
  }
}
