import type { Since } from '../brokers/broker.js'
import { SinceInvalidError } from '../errors.js'
import { parseId } from '../wire/id.js'

/** Reads where a subscriber wants to begin: an id, `earliest` or `now`. Throws MSG_ERR_SINCE_INVALID for anything else. */
export function parseSince (text: unknown): Since {
  if (text === 'earliest' || text === 'now') return text
  const position = typeof text === 'string' ? parseId(text) : undefined
  if (position === undefined) throw new SinceInvalidError(JSON.stringify(text))
  return position
}
