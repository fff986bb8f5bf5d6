import { kindAt } from './parts.js'
import { JsonProblem, spaceEnd, valueEnd } from './scan.js'

/** How the text of a field is to be taken. `auto`: as JSON where it is, or looks like, JSON, otherwise as text. */
export type Format = 'auto' | 'json' | 'text'

/** The content of a field: a message with its JSON, or the reason why there is none. */
export type Input =
  | { kind: 'json' | 'text', json: string }
  | { kind: 'missing' }
  | { kind: 'invalid', problem: string }

/**
 * The message of a field. The JSON of a message is the text as it was written, so that digits and the order of keys stay.
 * Input that begins like an object, an array or a string and is not JSON is invalid rather than text.
 */
export function readInput (value: string, format: Format): Input {
  if (value.trim() === '' && (format !== 'text' || value === '')) return { kind: 'missing' }
  if (format === 'text') return { kind: 'text', json: JSON.stringify(value) }
  try {
    const json = value.trim()
    const end = spaceEnd(json, valueEnd(json, 0))
    if (end < json.length) throw new JsonProblem('nothing more', end)
    return json === 'null' || json === '""' ? { kind: 'missing' } : { kind: 'json', json }
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    const start = spaceEnd(value, 0)
    if (format === 'auto' && ['number', 'word'].includes(kindAt(value, start))) return { kind: 'text', json: JSON.stringify(value) }
    return { kind: 'invalid', problem: described(value, error.at + value.length - value.trimStart().length, error.expected) }
  }
}

function described (value: string, at: number, expected: string): string {
  const before = value.slice(0, at).split('\n')
  const found = /^./su.exec(value.slice(at).trimEnd())?.[0]
  const where = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
  return `${where}: expected ${expected}, found ${found === undefined ? 'the end' : found === '\n' ? 'the end of the line' : found}`
}
