import type { IncomingHttpHeaders } from 'node:http'

const BEARER = /^Bearer +([!-~]+)$/i
const PROTOCOL = /(?:^|,)[ \t]*token\.([^,\s]+)/

/** A token, and whether it came in a way that only programs have and that nobody logs. */
export interface Credential {
  readonly token: string
  /** In the header `Authorization`. */
  readonly inHeader: boolean
}

/**
 * The token that a request brings along: as `Authorization: Bearer`, as WebSocket subprotocol `token.<token>`, percent-encoded
 * where it must be, or as `?token=`. `undefined` when it brings none.
 */
export function credentialOf (headers: IncomingHttpHeaders, query: { readonly token?: unknown }): Credential | undefined {
  const [, bearer] = BEARER.exec(headers.authorization ?? '') ?? []
  if (bearer !== undefined) return { token: bearer, inHeader: true }
  const [, protocol] = PROTOCOL.exec(headers['sec-websocket-protocol'] ?? '') ?? []
  if (protocol !== undefined) return { token: decode(protocol), inHeader: false }
  return typeof query.token === 'string' ? { token: query.token, inHeader: false } : undefined
}

/** The subprotocol that the service takes of those offered: the first that is no token, which would be sent back otherwise. */
export function selectProtocol (offered: Iterable<string>): string | false {
  for (const protocol of offered) if (!protocol.startsWith('token.')) return protocol
  return false
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
