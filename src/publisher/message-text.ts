import { PublishError } from './errors.js'

/** The kinds of objects for which `{}` is the intended JSON text. */
const EMPTY_OBJECTS = new Set(['[object Object]', '[object Arguments]', '[object Number]', '[object String]', '[object Boolean]'])

/** A message that is JSON text already and is sent unchanged: the digits of its numbers and the order of its keys stay. */
export class RawJson {
  /** @param text valid JSON; checked by `publish` */
  constructor (readonly text: string) {}

  /** The value, for log lines and `JSON.stringify`. */
  toJSON (): unknown {
    return JSON.parse(this.text)
  }
}

/** The JSON text of a message. Throws a {@link PublishError} with the code of the service where it has none, or an empty one. */
export function messageText (channel: string, message: unknown): string {
  const text = writeText(channel, message)
  if (text !== undefined && text !== 'null' && text !== '""') return text
  throw new PublishError('Message is missing: give any JSON value but null and ""', {
    code: 'MSG_ERR_MESSAGE_MISSING', channel, statusCode: 400
  })
}

function writeText (channel: string, message: unknown): string | undefined {
  try {
    if (message instanceof RawJson) {
      JSON.parse(message.text)
      return message.text.trim()
    }
    const text = JSON.stringify(message) as string | undefined
    // The content of a Map, a Set or a Promise would be lost silently.
    if (text?.includes('{}') === true) JSON.stringify(message, refuseOpaque)
    return text
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new PublishError(`Message cannot be written as JSON: ${reason}`, {
      code: 'MSG_ERR_MESSAGE_INVALID', channel, statusCode: 400, cause: error
    })
  }
}

function refuseOpaque (_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if ((ArrayBuffer.isView(value) && !(value instanceof DataView)) || Object.keys(value).length > 0) return value
  const tag = Object.prototype.toString.call(value)
  if (!EMPTY_OBJECTS.has(tag)) throw new TypeError(`${tag} has no JSON form`)
  return value
}
