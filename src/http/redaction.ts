/** The characters that may begin a parameter: routers end the path at `?`, at `#` and, where configured, at `;`. */
const NAME = /(?<=^|[?#;])([^?#;=]*)=/g

/** A URL for the log, without its token. */
export function withoutToken (url: string): string {
  return url.split('&').map((part) => {
    const match = [...part.matchAll(NAME)].find(([, name = '']) => nameOf(name) === 'token')
    return match === undefined ? part : `${part.slice(0, match.index + match[0].length)}[hidden]`
  }).join('&')
}

/** A URL without its query. */
export function pathOf (url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

// The name may be percent-encoded as well.
function nameOf (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A serializer of pino may return any value; the types of Fastify allow texts only. */
type Serialize = (value: unknown) => string

/** The property in which pino keeps the serializers of a logger. */
const SERIALIZERS = Symbol.for('pino.serializers')

/** The serializers of a logger, for routes that accept tokens in their URLs: a request is logged without its token. */
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
