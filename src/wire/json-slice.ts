/**
 * Finds the members of JSON text without rebuilding them, so that a part can be carried on exactly as it was written.
 * Every function here expects text that `JSON.parse` has accepted; grammar errors are not looked for a second time.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

/** The text of each member of the object `json`, by key; the last of equal keys wins, as in `JSON.parse`. */
export function sliceMembers (json: string): Map<string, string> {
  const members = new Map<string, string>()
  let at = skipSpace(json, skipSpace(json, 0) + 1)
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = skipString(json, at)
    const key = JSON.parse(json.slice(at, keyEnd)) as string
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1)
    const end = skipValue(json, start)
    members.set(key, json.slice(start, end))
    at = skipSpace(json, skipSpace(json, end) + 1)
  }
  return members
}

/** The text of each element of the array `json`, in order. */
export function sliceElements (json: string): string[] {
  const elements: string[] = []
  let at = skipSpace(json, skipSpace(json, 0) + 1)
  while (at < json.length && json.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = skipValue(json, at)
    elements.push(json.slice(at, end))
    at = skipSpace(json, end)
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1)
  }
  return elements
}

function skipSpace (json: string, at: number): number {
  while (json.charCodeAt(at) <= SPACE) at++
  return at
}

function skipString (json: string, at: number): number {
  for (;;) {
    at = json.indexOf('"', at + 1)
    // A quote is part of the string when an odd number of backslashes stands before it.
    let backslashes = 0
    while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
}

function skipValue (json: string, at: number): number {
  let depth = 0
  for (;;) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = skipString(json, at)
      if (depth === 0) return at
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++
      at++
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      at++
      if (--depth === 0) return at
    } else if (depth === 0) {
      // A number, true, false or null: it ends where the next token begins.
      do at++; while (at < json.length && !endsLiteral(json.charCodeAt(at)))
      return at
    } else {
      at++
    }
  }
}

function endsLiteral (code: number): boolean {
  return code <= SPACE || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET
}
