const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const SPACE = 0x20
const LOWER_F = 0x66
const LOWER_N = 0x6e
const LOWER_T = 0x74
const LOWER_U = 0x75
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const ZERO = 0x30
const NINE = 0x39
const POINT = 0x2e
const MINUS = 0x2d
const PLUS = 0x2b
/** The bit that turns an ASCII letter to lower case. */
const LOWER = 0x20
const LOWER_E = 0x65

/** The characters after a backslash, the digits after `\u`, and white space; by byte. */
const ESCAPES = tableOf('"\\/bfnrtu')
const HEX_DIGITS = tableOf('0123456789ABCDEFabcdef')
const WHITE_SPACE = tableOf(' \t\n\r')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
/** Longest key that is decoded, in bytes as written: enough for every known key with all letters escaped. */
const MAX_KEY_BYTES = 100
/** Size to which the stack is reduced after a deeper value. */
const KEPT_DEPTHS = 65_536

/** The closing bracket of each open one. Shared: a scan is synchronous. */
let open = new Uint8Array(1_024)

/** The kind of a value, by its first byte. */
export type JsonKind = 'object' | 'array' | 'scalar'

/**
 * Scans JSON (RFC 8259) in UTF-8 without building values: the memory for a body depends on the parts taken from it and not on its
 * content. Every method throws SyntaxError where the grammar is violated.
 */
export class JsonScanner {
  #at: number

  constructor (private readonly bytes: Buffer, start = 0) {
    this.#at = start
  }

  /** The kind of the next value. */
  get kind (): JsonKind {
    const code = this.#next()
    return code === OPEN_BRACE ? 'object' : code === OPEN_BRACKET ? 'array' : 'scalar'
  }

  /** Calls `member` for each member of an object with its key, `''` for a long one; it has to take or skip the value. */
  members (member: (key: string) => void): void {
    this.#at++
    if (this.#next() === CLOSE_BRACE) { this.#at++; return }
    do {
      this.#next()
      const start = this.#at
      this.#at = keyEnd(this.bytes, start)
      const end = stringEnd(this.bytes, start)
      member(end - start > MAX_KEY_BYTES ? '' : JSON.parse(this.bytes.toString('utf8', start, end)) as string)
    } while (this.#more(CLOSE_BRACE))
  }

  /** Calls `element` for each element of an array; it has to take or skip the value. */
  elements (element: () => void): void {
    this.#at++
    if (this.#next() === CLOSE_BRACKET) { this.#at++; return }
    do element(); while (this.#more(CLOSE_BRACKET))
  }

  /** The text of the next value as written, as a copy that keeps nothing else in memory. */
  take (): string {
    this.#next()
    const start = this.#at
    this.skip()
    return this.bytes.toString('utf8', start, this.#at)
  }

  /** Skips the next value, however deep it is. */
  skip (): void {
    this.#at = valueEnd(this.bytes, this.#at)
    if (open.length > KEPT_DEPTHS) open = new Uint8Array(KEPT_DEPTHS)
  }

  /** Checks that nothing follows. */
  end (): void {
    this.#next()
    if (this.#at < this.bytes.length) fail(this.bytes, this.#at)
  }

  /** The next byte that is not white space, as {@link codeAt} returns it. */
  #next (): number {
    this.#at = spaceEnd(this.bytes, this.#at)
    return codeAt(this.bytes, this.#at)
  }

  /** Skips the comma before another element, or the closing bracket. */
  #more (closer: number): boolean {
    const code = this.#next()
    if (code !== COMMA && code !== closer) fail(this.bytes, this.#at)
    this.#at++
    return code === COMMA
  }
}

// Functions from one offset to another, so that the engine keeps offsets in registers: a body may have millions of tokens.

function valueEnd (bytes: Buffer, start: number): number {
  let at = start
  let depth = 0
  for (;;) {
    at = spaceEnd(bytes, at)
    const code = codeAt(bytes, at)
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      // The two brackets of each pair are two apart in ASCII.
      const closer = code + 2
      at = spaceEnd(bytes, at + 1)
      if (codeAt(bytes, at) !== closer) {
        if (depth === open.length) open = enlarged(open)
        open[depth++] = closer
        if (code === OPEN_BRACE) at = keyEnd(bytes, at)
        continue
      }
      at++
    } else if (code === QUOTE) {
      at = stringEnd(bytes, at)
    } else {
      at = literalEnd(bytes, at)
    }
    // After a value: the ends of enclosing values, and then another one.
    for (;;) {
      if (depth === 0) return at
      at = spaceEnd(bytes, at)
      const closer = open[depth - 1] as number
      const next = codeAt(bytes, at++)
      if (next === COMMA) {
        if (closer === CLOSE_BRACE) at = keyEnd(bytes, spaceEnd(bytes, at))
        break
      }
      if (next !== closer) fail(bytes, at - 1)
      depth--
    }
  }
}

/** The start of the value of a member whose key is at `start`. */
function keyEnd (bytes: Buffer, start: number): number {
  if (codeAt(bytes, start) !== QUOTE) fail(bytes, start)
  const at = spaceEnd(bytes, stringEnd(bytes, start))
  if (codeAt(bytes, at) !== COLON) fail(bytes, at)
  return at + 1
}

function stringEnd (bytes: Buffer, start: number): number {
  const end = bytes.length
  let at = start + 1
  for (; at < end; at++) {
    const code = bytes[at] as number
    if (code === QUOTE) return at + 1
    if (code < SPACE) break
    if (code !== BACKSLASH) continue
    const escape = codeAt(bytes, ++at)
    if (ESCAPES[escape] !== 1) break
    if (escape !== LOWER_U) continue
    for (let digit = 0; digit < 4; digit++) if (HEX_DIGITS[codeAt(bytes, ++at)] !== 1) fail(bytes, at)
  }
  return fail(bytes, at)
}

/** The end of a number, `true`, `false` or `null`. */
function literalEnd (bytes: Buffer, start: number): number {
  const code = codeAt(bytes, start)
  if (code === LOWER_T) return wordEnd(bytes, start, TRUE)
  if (code === LOWER_F) return wordEnd(bytes, start, FALSE)
  if (code === LOWER_N) return wordEnd(bytes, start, NULL)
  let at = code === MINUS ? start + 1 : start
  at = codeAt(bytes, at) === ZERO ? at + 1 : digitsEnd(bytes, at)
  if (codeAt(bytes, at) === POINT) at = digitsEnd(bytes, at + 1)
  if ((codeAt(bytes, at) | LOWER) !== LOWER_E) return at
  const sign = codeAt(bytes, ++at)
  return digitsEnd(bytes, sign === PLUS || sign === MINUS ? at + 1 : at)
}

function wordEnd (bytes: Buffer, start: number, word: Buffer): number {
  for (let index = 0; index < word.length; index++) if (codeAt(bytes, start + index) !== word[index]) fail(bytes, start + index)
  return start + word.length
}

/** The end of one digit or more. */
function digitsEnd (bytes: Buffer, start: number): number {
  let at = start
  while (codeAt(bytes, at) >= ZERO && codeAt(bytes, at) <= NINE) at++
  return at === start ? fail(bytes, at) : at
}

function spaceEnd (bytes: Buffer, start: number): number {
  let at = start
  while (WHITE_SPACE[codeAt(bytes, at)] === 1) at++
  return at
}

/** A byte, or after the end 0, which never occurs in JSON. A read out of bounds would make every later one slow. */
function codeAt (bytes: Buffer, at: number): number {
  return at < bytes.length ? bytes[at] as number : 0
}

function fail (bytes: Buffer, at: number): never {
  throw new SyntaxError(at < bytes.length ? `unexpected character at position ${at}` : 'unexpected end')
}

function tableOf (characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const code of Buffer.from(characters)) table[code] = 1
  return table
}

function enlarged (depths: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(4 * depths.length)
  larger.set(depths)
  return larger
}
