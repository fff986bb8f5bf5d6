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
/** Sets an ASCII letter in lower case. */
const LOWER = 0x20
const LOWER_E = 0x65

/** What may follow a backslash, what four of follow `\u`, and white space; by byte. */
const ESCAPES = tableOf('"\\/bfnrtu')
const HEX_DIGITS = tableOf('0123456789ABCDEFabcdef')
const WHITE_SPACE = tableOf(' \t\n\r')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
/** Longest key that is looked at, as it is written: all that are known fit in, each of their letters escaped. */
const MAX_KEY_BYTES = 100
/** Room that is kept for the next one after a value that was deeper. */
const KEPT_DEPTHS = 65_536

/** The closing bracket of each open one. Shared: a scan never waits for anything. */
let open = new Uint8Array(1_024)

/** What a value is, by its first byte. */
export type JsonKind = 'object' | 'array' | 'scalar'

/**
 * Walks over JSON (RFC 8259) in UTF-8 and builds nothing: what a body costs in memory is then decided by what is taken out of it
 * and not by what it holds. Every method throws SyntaxError where the grammar is broken.
 */
export class JsonScanner {
  #at: number

  constructor (private readonly bytes: Buffer, start = 0) {
    this.#at = start
  }

  /** What the next value is. */
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

  /** The text of the next value as it is written. It is a text of its own and keeps nothing else in memory. */
  take (): string {
    this.#next()
    const start = this.#at
    this.skip()
    return this.bytes.toString('utf8', start, this.#at)
  }

  /** Passes over the next value, however deep it is. */
  skip (): void {
    this.#at = valueEnd(this.bytes, this.#at)
    if (open.length > KEPT_DEPTHS) open = new Uint8Array(KEPT_DEPTHS)
  }

  /** Checks that nothing follows. */
  end (): void {
    this.#next()
    if (this.#at < this.bytes.length) fail(this.bytes, this.#at)
  }

  /** The first byte that is no white space, as {@link codeAt} has it. */
  #next (): number {
    this.#at = spaceEnd(this.bytes, this.#at)
    return codeAt(this.bytes, this.#at)
  }

  /** Passes over the comma before another element, or over the end. */
  #more (closer: number): boolean {
    const code = this.#next()
    if (code !== COMMA && code !== closer) fail(this.bytes, this.#at)
    this.#at++
    return code === COMMA
  }
}

// Functions of a place that return another one, so that the engine keeps all of them in registers: a body has millions of tokens.

function valueEnd (bytes: Buffer, start: number): number {
  let at = start
  let depth = 0
  for (;;) {
    at = spaceEnd(bytes, at)
    const code = codeAt(bytes, at)
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      // Both pairs of brackets stand two apart in ASCII.
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
    // What follows a value: the ends of what it is in, and then another one.
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

/** Where the value of a member begins whose key is at `start`. */
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

/** Where a number, `true`, `false` or `null` ends. */
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

/** Where one digit or more end. */
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

/** A byte, or behind the end 0, which stands nowhere in JSON. A read past the end would make every later one slow. */
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
