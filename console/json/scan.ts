/** Where and why a text is not JSON. */
export class JsonProblem extends Error {
  /** `at` is the index of the first character that cannot stand where it is; the length of the text where it ends too early. */
  constructor (readonly expected: string, readonly at: number) {
    super(`expected ${expected} at ${at}`)
  }
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
/** The end of a run of plain characters in a string: a quote, a backslash or a character that has to be escaped. */
const SPECIAL = /["\\\u0000-\u001f]/g

/** The index after the white space that begins at `at`. */
export function spaceEnd (text: string, at: number): number {
  return end(SPACE, text, at)
}

/**
 * The index after the JSON value (RFC 8259) that begins at `start`, without building it: numbers keep their digits, and nesting
 * needs no stack. Throws {@link JsonProblem}.
 */
export function valueEnd (text: string, start: number): number {
  const closers: string[] = []
  let at = spaceEnd(text, start)
  for (;;) {
    const first = text[at]
    if (first === '{' || first === '[') {
      const closer = first === '{' ? '}' : ']'
      at = spaceEnd(text, at + 1)
      if (text[at] !== closer) {
        closers.push(closer)
        if (closer === '}') at = keyEnd(text, at, 'a key in double quotes or }')
        continue
      }
      at++
    } else {
      at = scalarEnd(text, at)
    }
    for (;;) {
      const closer = closers.at(-1)
      if (closer === undefined) return at
      at = spaceEnd(text, at)
      const next = text[at]
      if (next !== ',' && next !== closer) throw new JsonProblem(`, or ${closer}`, at)
      at = spaceEnd(text, at + 1)
      if (next === ',') {
        if (closer === '}') at = keyEnd(text, at, 'a key in double quotes')
        break
      }
      closers.pop()
    }
  }
}

/** The index after the string that begins at `start`. Throws {@link JsonProblem}. */
export function stringEnd (text: string, start: number): number {
  let at = start + 1
  for (;;) {
    SPECIAL.lastIndex = at
    const special = SPECIAL.exec(text)
    if (special === null) throw new JsonProblem('a closing double quote', text.length)
    at = special.index
    if (special[0] === '"') return at + 1
    if (special[0] !== '\\') throw new JsonProblem('an escape such as \\n instead of a control character', at)
    const after = end(ESCAPE, text, at)
    if (after === at) throw new JsonProblem('one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000', at)
    at = after
  }
}

/** The start of the value whose key begins at `start`. */
function keyEnd (text: string, start: number, expected: string): number {
  if (text[start] !== '"') throw new JsonProblem(expected, start)
  const at = spaceEnd(text, stringEnd(text, start))
  if (text[at] !== ':') throw new JsonProblem(':', at)
  return spaceEnd(text, at + 1)
}

function scalarEnd (text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at)
  const after = Math.max(end(NUMBER, text, at), end(WORD, text, at))
  if (after === at) throw new JsonProblem('a value', at)
  return after
}

/** The index after what a sticky expression matches at `at`; `at` itself where it matches nothing. */
function end (expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  return expression.test(text) ? expression.lastIndex : at
}
