/** A rule for origins: `https://example.com`, `https://*.example.com`, `null`, or `*` for all, without a path. */
export const ORIGIN_PATTERN = '^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9*.-]+|\\[[0-9A-Fa-f:]+\\])(:([0-9]{1,5}|\\*))?)$'

/** Longer than a scheme, a name of 253 characters and a port. */
const MAX_ORIGIN_LENGTH = 512
const ANY = 0x2a
/** The characters that `*` matches, one or more of them. */
const NAME = /^[a-z0-9.-]$/

/** Decides on pages by their origin (RFC 6454). Requests of other clients have no origin and are not checked. */
export class Origins {
  /** Whether pages of every origin are allowed. */
  readonly any: boolean
  readonly #rules: readonly string[]

  /** @param rules each one of {@link ORIGIN_PATTERN}; with an empty list only pages of the service's own origin are allowed */
  constructor (rules: readonly string[]) {
    this.any = rules.includes('*')
    this.#rules = rules.map((rule) => withoutDefaultPort(rule.toLowerCase()))
  }

  /** Whether a page of this origin is allowed at a service with the header `Host`. */
  allow (origin: string, host: string): boolean {
    return this.any || this.names(origin, host)
  }

  /** Whether a page of this origin is allowed by name, or of the service's own origin. */
  names (origin: string, host: string): boolean {
    return this.lists(origin) || hostOf(origin) === withoutDefaultPort(`//${host.toLowerCase()}`).slice(2)
  }

  /** Whether pages of this origin are allowed by name. */
  lists (origin: string): boolean {
    if (origin.length > MAX_ORIGIN_LENGTH) return false
    const text = origin.toLowerCase()
    return this.#rules.some((rule) => matches(rule, text))
  }
}

/** Browsers omit the default port of a scheme from an origin; rules, and some proxies in `Host`, may contain it. */
function withoutDefaultPort (text: string): string {
  const [, start = '', port] = /^([a-z0-9+.-]*:?\/\/.*?):(80|443)$/.exec(text) ?? []
  const belongs = text.startsWith('//') ||
    text.startsWith(port === '80' ? 'http:' : 'https:') || text.startsWith(port === '80' ? 'ws:' : 'wss:')
  return port !== undefined && belongs ? start : text
}

// Not a regular expression: with several `*` its time grows with the power of their number, and the input is the client's.
// Each `*` matches as little as possible, and backtracking is limited to the last one.
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

// Without the scheme: behind a proxy that terminates TLS the service does not know its own.
function hostOf (origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
