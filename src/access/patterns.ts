/** A pattern of channels: 1–100 characters of a channel's name, or `*` for any number of them, also none. */
export const CHANNEL_PATTERN = /^[A-Za-z0-9_.:@=+~*-]{1,100}$/
const ANY = 0x2a

/** Whether `text` matches {@link CHANNEL_PATTERN}. */
export function isPattern (text: unknown): text is string {
  return typeof text === 'string' && CHANNEL_PATTERN.test(text)
}

/** A list of patterns of channels. */
export class Patterns {
  readonly #patterns: readonly string[]

  /** @param patterns each one an {@link isPattern} */
  constructor (patterns: readonly string[]) {
    this.#patterns = patterns
  }

  get size (): number {
    return this.#patterns.length
  }

  /** Whether one of the patterns matches the whole name. */
  cover (channel: string): boolean {
    return this.#patterns.some((pattern) => matches(pattern, channel))
  }
}

// Not a regular expression: with many `*` its time grows with the power of their number, and a pattern comes from the issuer of
// the token. Backtracking is limited to the last `*`.
function matches (pattern: string, name: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (next < name.length) {
    if (pattern.charCodeAt(at) === ANY) {
      star = at++
      resume = next
    } else if (at < pattern.length && pattern.charCodeAt(at) === name.charCodeAt(next)) {
      at++
      next++
    } else if (star >= 0) {
      at = star + 1
      next = ++resume
    } else {
      return false
    }
  }
  while (pattern.charCodeAt(at) === ANY) at++
  return at === pattern.length
}
