import type { IncomingHttpHeaders } from 'node:http'

const MAX_WAIT_SECONDS = 30
const SECOND_MS = 1_000

// The parts of a list (RFC 9110, section 5.6). Each is matched at one place, in linear time.
const SPACE = /[ \t]*/y
const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y
const QUOTED = /"(?:[^"\\]|\\.)*"/sy
/** The rest of a malformed element. A comma within a quoted string does not end it, and without its end such a string does not end. */
const REST = /(?:[^,"]|"(?:[^"\\]|\\(?:.|$))*(?:"|$))*/sy

/**
 * Milliseconds for which a publisher prefers to wait for receipts, `Prefer: wait=<1–30>`; `undefined` without that preference. The
 * first of several counts. Other preferences, and what is malformed or out of range, are ignored (RFC 7240, section 2).
 */
export function preferredWaitMs ({ prefer }: IncomingHttpHeaders): number | undefined {
  if (prefer === undefined) return undefined
  // Several headers are one list.
  const list = new ListScanner(String(prefer))
  while (!list.isAtEnd) {
    const [name, value = ''] = list.preference()
    if (name?.toLowerCase() === 'wait') return waitMsOf(value)
  }
  return undefined
}

function waitMsOf (text: string): number | undefined {
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  return seconds >= 1 && seconds <= MAX_WAIT_SECONDS ? seconds * SECOND_MS : undefined
}

class ListScanner {
  #at = 0

  constructor (private readonly text: string) {}

  get isAtEnd (): boolean {
    return this.#at >= this.text.length
  }

  /** Takes an element of the list; without a name where it is empty or malformed. */
  preference (): [name?: string, value?: string] {
    const preference = this.#pair()
    while (this.#take(SPACE) !== undefined && this.#skip(';')) this.#pair()
    const malformed = this.#take(REST) !== ''
    this.#skip(',')
    return malformed ? [] : preference
  }

  /** `token`, or `token = word`, which may be empty; nothing where it is absent, as a parameter may be. */
  #pair (): [name?: string, value?: string] {
    this.#take(SPACE)
    const name = this.#take(TOKEN)
    if (name === undefined) return []
    const end = this.#at
    this.#take(SPACE)
    if (!this.#skip('=')) {
      this.#at = end
      return [name]
    }
    this.#take(SPACE)
    return [name, this.#take(TOKEN) ?? this.#take(QUOTED)?.slice(1, -1).replaceAll(/\\(.)/g, '$1') ?? '']
  }

  #skip (character: string): boolean {
    const found = this.text[this.#at] === character
    if (found) this.#at++
    return found
  }

  #take (pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}
