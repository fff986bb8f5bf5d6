/** How origins are named: `https://example.com`, `https://*.example.com`, `null`, or `*` for every one. No path follows. */
export const ORIGIN_PATTERN = '^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9*.-]+|\\[[0-9A-Fa-f:]+\\])(:([0-9]{1,5}|\\*))?)$'

/** A scheme, a name of 253 characters and a port; no page has a longer one. */
const MAX_ORIGIN_LENGTH = 512
const ANY = 0x2a
/** What `*` stands for: one or more of these. */
const NAME = /^[a-z0-9.-]$/

/** Which pages may subscribe, by their origin (RFC 6454). What is no page's has none and is not asked for one. */
export class Origins {
  /** Whether pages of every origin may. */
  readonly any: boolean
  readonly #rules: readonly string[]

  /** @param rules each one of {@link ORIGIN_PATTERN}; without any only pages of the service's own origin may */
  constructor (rules: readonly string[]) {
    this.any = rules.includes('*')
    this.#rules = rules.map((rule) => withoutDefaultPort(rule.toLowerCase()))
  }

  /** Whether a page of this origin may subscribe at a service that it knows as `host` (with its port). */
  allow (origin: string, host: string): boolean {
    return this.any || this.lists(origin) || hostOf(origin) === withoutDefaultPort(`//${host.toLowerCase()}`).slice(2)
  }

  /** Whether pages of this origin are allowed by name. */
  lists (origin: string): boolean {
    if (origin.length > MAX_ORIGIN_LENGTH) return false
    const text = origin.toLowerCase()
    return this.#rules.some((rule) => matches(rule, text))
  }
}

/** Browsers leave the port of a scheme out of an origin; who writes a rule, and some proxies in `Host`, do not. */
function withoutDefaultPort (text: string): string {
  const [, start = '', port] = /^([a-z0-9+.-]*:?\/\/.*?):(80|443)$/.exec(text) ?? []
  const belongs = text.startsWith('//') || text.startsWith(port === '80' ? 'http:' : 'https:') || text.startsWith(port === '80' ? 'ws:' : 'wss:')
  return port !== undefined && belongs ? start : text
}

// Not a regular expression: with several `*` those take time that grows with the power of their number, and whoever asks says what
// is looked at. Each `*` takes as little as it can, and only the last one is ever made to take more.
function matches (rule: string, text: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let taken = 0
  while (next < text.length) {
    if (rule.charCodeAt(at) === ANY) {
      if (!NAME.test(text.charAt(next))) return false
      star = at++
      taken = ++next
    } else if (at < rule.length && rule.charCodeAt(at) === text.charCodeAt(next)) {
      at++
      next++
    } else if (star >= 0 && NAME.test(text.charAt(taken))) {
      at = star + 1
      next = ++taken
    } else {
      return false
    }
  }
  return at === rule.length
}

// The scheme is left out: behind a proxy that ends TLS the service does not know its own.
function hostOf (origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
