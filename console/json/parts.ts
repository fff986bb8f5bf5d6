import { spaceEnd, stringEnd, valueEnd } from './scan.js'

/** The kind of a value, by its first character. */
export type Kind = 'object' | 'array' | 'string' | 'number' | 'word'

/** A member of an object or an element of an array: indices into the text that it stands in. */
export interface Part {
  /** The key, decoded; undefined in an array. */
  key: string | undefined
  start: number
  end: number
}

/** The kind of the value that begins at `start`. */
export function kindAt (text: string, start: number): Kind {
  const first = text[start] ?? ''
  return first === '{' ? 'object' : first === '[' ? 'array' : first === '"' ? 'string' : /[-\d]/.test(first) ? 'number' : 'word'
}

/** The parts of the object or array that begins at `start`, in order; a key that occurs twice comes twice. Throws `JsonProblem`. */
export function * partsOf (text: string, start: number): Generator<Part, void> {
  const keyed = text[start] === '{'
  let at = spaceEnd(text, start + 1)
  while (text[at] !== '}' && text[at] !== ']') {
    let key: string | undefined
    if (keyed) {
      const end = stringEnd(text, at)
      key = decoded(text.slice(at, end))
      at = spaceEnd(text, spaceEnd(text, end) + 1)
    }
    const end = valueEnd(text, at)
    yield { key, start: at, end }
    at = spaceEnd(text, end)
    if (text[at] === ',') at = spaceEnd(text, at + 1)
  }
}

/** How many parts the object or array that begins at `start` has. */
export function countParts (text: string, start: number): number {
  const parts = partsOf(text, start)
  let count = 0
  while (parts.next().done !== true) count++
  return count
}

/** The characters that a string in JSON stands for. */
export function decoded (literal: string): string {
  return JSON.parse(literal) as string
}
