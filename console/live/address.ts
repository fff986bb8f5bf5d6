const CHANNEL = /^\w[\w.:@=+~-]*$/
const COMPANION = '~presence'
const MAX_LENGTH = 100

export const NAME_RULE = 'A channel has 1 to 100 letters, digits and _ . : @ = + ~ -, and begins with a letter, a digit or _.'

/** Whether a text is the name of a channel. */
export function isChannel (name: string): boolean {
  const length = name.endsWith(COMPANION) ? name.length - COMPANION.length : name.length
  return CHANNEL.test(name) && length >= 1 && length <= MAX_LENGTH
}

/** The names in a list such as `a, b`, each once. */
export function namesIn (list: string): string[] {
  return [...new Set(list.split(/[\s,]+/).filter((name) => name !== ''))]
}

/** The tails that a fragment such as `#a,b;c` names: `a` and `b` in one, `c` in another. Invalid names are left out. */
export function tailsOf (fragment: string): string[][] {
  return fragment.replace(/^#/, '').split(';').map((tail) => namesIn(tail.split(',').map(decoded).join(',')).filter(isChannel)).filter((tail) => tail.length > 0)
}

/** The fragment that {@link tailsOf} reads. */
export function fragmentOf (tails: ReadonlyArray<readonly string[]>): string {
  return '#' + tails.map((tail) => tail.map(encodeURIComponent).join(',')).join(';')
}

function decoded (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
