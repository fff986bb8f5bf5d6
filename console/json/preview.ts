import { decoded, kindAt } from './parts.js'

/** More does not fit in one line of any screen. */
const MAX_LENGTH = 400

/** A message in one line: the characters of a string, everything else as it is written. */
export function preview (json: string): string {
  const text = kindAt(json, 0) === 'string' ? decoded(json) : json
  return text.slice(0, MAX_LENGTH).replace(/\s+/g, ' ')
}
