import { byId } from './dom.js'

const NARROW = '(max-width: 55.99rem)'

/** On a narrow screen the parts of the page are shown one at a time, as tabs. */
export class Pages {
  readonly #tabs = [...document.querySelectorAll<HTMLButtonElement>('#pages [role=tab]')]

  constructor () {
    for (const tab of this.#tabs) {
      tab.addEventListener('click', () => { this.show(tab) })
      tab.addEventListener('keydown', ({ key }) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[key]
        if (step === undefined) return
        const next = this.#tabs[(this.#tabs.indexOf(tab) + step + this.#tabs.length) % this.#tabs.length]
        if (next === undefined) return
        this.show(next)
        next.focus()
      })
    }
    matchMedia(NARROW).addEventListener('change', () => { this.#label() })
    const [first] = this.#tabs
    if (first !== undefined) this.show(first)
  }

  /** Shows the part that has an element; only of meaning on a narrow screen. */
  reveal (target: HTMLElement): void {
    const panel = target.closest('[data-page]')
    const tab = this.#tabs.find((tab) => tab.getAttribute('aria-controls') === panel?.id)
    if (tab !== undefined) this.show(tab)
  }

  show (tab: HTMLButtonElement): void {
    for (const other of this.#tabs) {
      other.setAttribute('aria-selected', String(other === tab))
      other.tabIndex = other === tab ? 0 : -1
      byId(other.getAttribute('aria-controls') ?? '').classList.toggle('shown', other === tab)
    }
    this.#label()
  }

  /** A part is the panel of a tab only where there are tabs. */
  #label (): void {
    const narrow = matchMedia(NARROW).matches
    for (const tab of this.#tabs) {
      const panel = byId(tab.getAttribute('aria-controls') ?? '')
      if (narrow) panel.setAttribute('role', 'tabpanel')
      else panel.removeAttribute('role')
    }
  }
}
