/** Whatever may begin a parameter: routers end the path at `?`, at `#` and, if they are told to, at `;`. */
const NAME = /(?<=^|[?#;])([^?#;=]*)=/g

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*/g

/** A URL as it may be logged: without the token that a client had no other way to send. */
export function withoutToken (url: string): string {
  return url.split('&').map((part) => {
    const match = [...part.matchAll(NAME)].find(([, name = '']) => nameOf(name) === 'token')
    return match === undefined ? part : `${part.slice(0, match.index + match[0].length)}[hidden]`
  }).join('&')
}

/** What is said of a value that was refused: without what stands before the host of a URL, and without private keys. */
export function withoutCredentials (text: string): string {
  return text.replaceAll(/:\/\/[^/]*@/g, '://[hidden]@').replaceAll(PRIVATE_KEY, '[hidden]')
}

/** A URL without its query. */
export function pathOf (url: string): string {
  return url.split('?', 1).join()
}

// The name may be percent-encoded as well.
function nameOf (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What pino takes is any value; Fastify's types know of texts only. */
type Serialize = (value: unknown) => string

/** Where pino keeps the serializers of a logger. */
const SERIALIZERS = Symbol.for('pino.serializers')

/** What a logger makes of a request, without the token in its URL; for routes that take tokens there. */
export function serializersWithoutToken (log: object): Record<string, Serialize> {
  const { req: serialize } = (log as { [SERIALIZERS]?: Record<string, Serialize | undefined> })[SERIALIZERS] ?? {}
  if (serialize === undefined) return {}
  return {
    req (request) {
      const fields: unknown = serialize(request)
      if (typeof fields !== 'object' || fields === null || !('url' in fields) || typeof fields.url !== 'string') return fields as string
      return { ...fields, url: withoutToken(fields.url) } as unknown as string
    }
  }
}
