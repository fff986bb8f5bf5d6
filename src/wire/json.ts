import { MessageInvalidError, MessageMissingError } from '../errors.js'

/**
 * A value that is already JSON text and is carried unchanged: the digits of its numbers, the order of its keys and
 * a key like `__proto__` reach the subscriber as the publisher wrote them.
 */
export class RawJson {
  /** @param text valid JSON; checked by `publish`. */
  constructor (readonly text: string) {}

  /** The value, for log lines and `JSON.stringify`. */
  toJSON (): unknown {
    return JSON.parse(this.text)
  }
}

/** A part of parsed JSON text, which needs no further check. */
export class SlicedJson extends RawJson {}

/** The kinds of objects for which `{}` is the intended JSON text. */
const EMPTY_OBJECTS = new Set(['[object Object]', '[object Arguments]', '[object Number]', '[object String]', '[object Boolean]'])

/**
 * The JSON text of a message, on one line.
 * Throws MSG_ERR_MESSAGE_MISSING for `undefined`, other values without JSON text, `null` and `""`, and MSG_ERR_MESSAGE_INVALID
 * for values that JSON cannot express: a cycle, a BigInt, a Map, text that is not JSON.
 */
export function messageText (message: unknown): string {
  const text = writeText(message)
  if (text === undefined || text === 'null' || text === '""') throw new MessageMissingError()
  return text
}

/** The text of an error of foreign code, which may be any value. */
export function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : typeof error
}

function writeText (message: unknown): string | undefined {
  try {
    if (message instanceof SlicedJson) return singleLine(message.text)
    if (message instanceof RawJson) return checkedText(message.text)
    const text = JSON.stringify(message) as string | undefined
    // The content of a Map, a Set or a Promise would be lost silently.
    if (text?.includes('{}') === true) JSON.stringify(message, refuseOpaque)
    return text
  } catch (error) {
    throw new MessageInvalidError(reasonOf(error))
  }
}

/** The text of a host's RawJson. White space around the value is not part of it. */
function checkedText (text: unknown): string {
  if (typeof text !== 'string') throw new TypeError('the text of a RawJson must be a string')
  JSON.parse(text)
  return singleLine(text).trim()
}

function refuseOpaque (_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if ((ArrayBuffer.isView(value) && !(value instanceof DataView)) || Object.keys(value).length > 0) return value
  const tag = Object.prototype.toString.call(value)
  if (!EMPTY_OBJECTS.has(tag)) throw new TypeError(`${tag} has no JSON form`)
  return value
}

// Event streams and ndjson end a message at a line break. JSON allows one only between tokens, never inside a string, so that
// its removal changes no value.
function singleLine (text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, '') : text
}
