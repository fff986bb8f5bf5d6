/** How origins are named: `https://example.com`, `https://*.example.com`, `null`, or `*` for every one. No path follows. */
export const ORIGIN_PATTERN = '^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9*.-]+|\\[[0-9A-Fa-f:]+\\])(:([0-9]{1,5}|\\*))?)$'

/** Which pages may subscribe, by their origin (RFC 6454). What is no page's has none and is not asked for one. */
export class Origins {
  /** Whether pages of every origin may. */
  readonly any: boolean
  readonly #rules: readonly RegExp[]

  /** @param rules each one of {@link ORIGIN_PATTERN}; without any only pages of the service's own origin may */
  constructor (rules: readonly string[]) {
    this.any = rules.includes('*')
    this.#rules = rules.map((rule) => new RegExp(`^${withoutDefaultPort(rule.toLowerCase()).replace(/[.+[\]]/g, '\\$&').replaceAll('*', '[a-z0-9.-]+')}$`))
  }

  /** Whether a page of this origin may subscribe at a service that it knows as `host` (with its port). */
  allow (origin: string, host: string): boolean {
    return this.any || this.lists(origin) || hostOf(origin) === withoutDefaultPort(`//${host.toLowerCase()}`).slice(2)
  }

  /** Whether pages of this origin are allowed by name. */
  lists (origin: string): boolean {
    const text = origin.toLowerCase()
    return this.#rules.some((rule) => rule.test(text))
  }
}

/** Browsers leave the port of a scheme out of an origin; who writes a rule, and some proxies in `Host`, do not. */
function withoutDefaultPort (text: string): string {
  const [, start = '', port] = /^([a-z0-9+.-]*:?\/\/.*?):(80|443)$/.exec(text) ?? []
  const belongs = text.startsWith('//') || text.startsWith(port === '80' ? 'http:' : 'https:') || text.startsWith(port === '80' ? 'ws:' : 'wss:')
  return port !== undefined && belongs ? start : text
}

// The scheme is left out: behind a proxy that ends TLS the service does not know its own.
function hostOf (origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
