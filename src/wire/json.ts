import { MessageInvalidError, MessageMissingError } from '../errors.js'

/**
 * A value that is JSON text already and is carried as it is: the digits of its numbers, the order of its keys and
 * a key like `__proto__` reach the subscriber as the publisher wrote them.
 */
export class RawJson {
  /** @param text valid JSON; this class does not check it. */
  constructor (readonly text: string) {}

  /** So that a log line or `JSON.stringify` shows the value and not the class. */
  toJSON (): unknown {
    return JSON.parse(this.text)
  }
}

/**
 * The JSON text of a message, on one line.
 * Throws MSG_ERR_MESSAGE_MISSING for what has none or stands for nothing (`undefined`, `null`, `""`), and
 * MSG_ERR_MESSAGE_INVALID for what JSON cannot express.
 */
export function messageText (message: unknown): string {
  const text = message instanceof RawJson ? singleLine(message.text) : stringify(message)
  if (text === undefined || text === 'null' || text === '""') throw new MessageMissingError()
  return text
}

function stringify (message: unknown): string | undefined {
  try {
    return JSON.stringify(message)
  } catch (error) {
    throw new MessageInvalidError(error instanceof Error ? error.message : String(error))
  }
}

// Event streams and ndjson end a message at a line break. JSON allows one only between tokens, never inside a string,
// so leaving it out changes no value.
function singleLine (text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, '') : text
}
