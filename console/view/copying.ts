import { byId, element, setText } from './dom.js'

const SHOWN_MS = 1_500

/** Copies a text; the button says so for a moment, and a screen reader hears it. */
export async function copy (text: string, from: HTMLButtonElement): Promise<void> {
  if (!await written(text)) return
  const label = from.dataset['label'] ??= from.textContent
  setText(from, 'Copied')
  setText(byId('copied'), 'Copied')
  setTimeout(() => {
    setText(from, label)
    setText(byId('copied'), '')
  }, SHOWN_MS)
}

async function written (text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedTheOldWay(text)
  }
}

/** Without HTTPS there is no clipboard, but selected text can be copied. */
function copiedTheOldWay (text: string): boolean {
  const focused = document.activeElement
  const field = element('textarea', { class: 'sr', 'aria-hidden': 'true', tabindex: -1 })
  field.value = text
  document.body.append(field)
  field.select()
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else works there
  const copied = document.execCommand('copy')
  field.remove()
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
  return copied
}
