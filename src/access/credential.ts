import type { IncomingHttpHeaders } from 'node:http'

/** The scheme in any case (RFC 9110, section 11.1), and white space around the token. */
const BEARER = /^Bearer \s*([!-~]+)\s*$/i
const PROTOCOL = /(?:^|,)[ \t]*token\.([^,\s]+)/

/** A token, and its place in the request. */
export interface Credential {
  readonly token: string
  /** In the header `Authorization`, which pages cannot set on all transports and which is not logged. */
  readonly inHeader: boolean
}

/** The token of the header `Authorization`; `undefined` where it is missing or malformed. */
export function bearerOf ({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  return BEARER.exec(authorization)?.[1]
}

/**
 * The token of a request: as `Authorization: Bearer`, as WebSocket subprotocol `token.<token>`, percent-encoded
 * where necessary, or as `?token=`. `undefined` where there is none.
 */
export function credentialOf (headers: IncomingHttpHeaders, query: { readonly token?: unknown }): Credential | undefined {
  const bearer = bearerOf(headers)
  if (bearer !== undefined) return { token: bearer, inHeader: true }
  const [, protocol] = PROTOCOL.exec(headers['sec-websocket-protocol'] ?? '') ?? []
  if (protocol !== undefined) return { token: decode(protocol), inHeader: false }
  return typeof query.token === 'string' ? { token: query.token, inHeader: false } : undefined
}

/** The selected subprotocol of the offered ones: the first that is not a token, because the answer contains it. */
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
