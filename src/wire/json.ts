import { MessageInvalidError, MessageMissingError } from '../errors.js'

/**
 * A value that is JSON text already and is carried as it is: the digits of its numbers, the order of its keys and
 * a key like `__proto__` reach the subscriber as the publisher wrote them.
 */
export class RawJson {
  /** @param text valid JSON; it is checked when it is published. */
  constructor (readonly text: string) {}

  /** So that a log line or `JSON.stringify` shows the value and not the class. */
  toJSON (): unknown {
    return JSON.parse(this.text)
  }
}

/** JSON text that was cut out of a larger one that was parsed, and needs no look of its own. */
export class SlicedJson extends RawJson {}

/** Of what JSON writes as `{}`, what it writes so on purpose. */
const EMPTY_OBJECTS = new Set(['[object Object]', '[object Arguments]', '[object Number]', '[object String]', '[object Boolean]'])

/**
 * The JSON text of a message, on one line.
 * Throws MSG_ERR_MESSAGE_MISSING for what has none or stands for nothing (`undefined`, `null`, `""`), and
 * MSG_ERR_MESSAGE_INVALID for what JSON cannot express: a cycle, a BigInt, a Map, text that is not JSON.
 */
export function messageText (message: unknown): string {
  const text = writeText(message)
  if (text === undefined || text === 'null' || text === '""') throw new MessageMissingError()
  return text
}

/** What an error says that came from somebody else's code, and may be anything. */
export function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : typeof error
}

function writeText (message: unknown): string | undefined {
  try {
    if (message instanceof SlicedJson) return singleLine(message.text)
    if (message instanceof RawJson) return checkedText(message.text)
    const text = JSON.stringify(message) as string | undefined
    // What a Map, a Set or a Promise holds is nothing to JSON, and would be lost without a word.
    if (text?.includes('{}') === true) JSON.stringify(message, refuseOpaque)
    return text
  } catch (error) {
    throw new MessageInvalidError(reasonOf(error))
  }
}

/** The text of a RawJson that a host made. White space around a value is not part of it. */
function checkedText (text: unknown): string {
  if (typeof text !== 'string') throw new TypeError('the text of a RawJson must be a string')
  JSON.parse(text)
  return singleLine(text).trim()
}

function refuseOpaque (_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)) || Object.keys(value).length > 0) return value
  const tag = Object.prototype.toString.call(value)
  if (!EMPTY_OBJECTS.has(tag)) throw new TypeError(`${tag} has no JSON form`)
  return value
}

// Event streams and ndjson end a message at a line break. JSON allows one only between tokens, never inside a string,
// so leaving it out changes no value.
function singleLine (text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, '') : text
}
