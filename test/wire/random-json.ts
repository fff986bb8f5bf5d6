/** JSON texts as nobody formats them: odd white space, escapes, equal keys. Repeatable by its seed. */
export class RandomJson {
  #state: number

  constructor (seed: number) {
    this.#state = seed
  }

  /** A whole number from 0 to `below` - 1 (mulberry32). */
  pick (below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  one<T> (values: readonly T[]): T {
    return values[this.pick(values.length)] as T
  }

  space (): string {
    return Array.from({ length: this.pick(4) === 0 ? this.pick(4) : 0 }, () => this.one([' ', '\n', '\r', '\t', '\r\n'])).join('')
  }

  string (): string {
    const parts = ['a', 'B', '7', ' ', '"', '\\', '\\\\', '{', '}', '[', ']', ',', ':', '/', 'é', '🎉', '\u2028', '\uffff']
    const escapes = ['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\u0041', '\\u00e9', '\\ud83c\\udf89', '\\ud83c', '\\u0000', '\\u005c', '\\u0022']
    const text = Array.from({ length: this.pick(6) }, () =>
      this.pick(2) === 0 ? this.one(escapes) : JSON.stringify(this.one(parts)).slice(1, -1))
    return `"${text.join('')}"`
  }

  number (): string {
    return this.one(['0', '-0', '7', '-12', '1.50', '1e3', '1E+2', '-2.5e-7', '12345678901234567890', '1e400', '0.1e0', String(this.pick(1e9))])
  }

  key (): string {
    return this.one(['"a"', '"b"', '"message"', '"\\u006dessage"', '"__proto__"', '"1"', '"0"', '""', this.string()])
  }

  value (depth = 0): string {
    const kind = this.pick(depth > 4 ? 3 : 6)
    const inner = kind === 0 ? this.string() : kind === 1 ? this.number() : kind === 2 ? this.one(['true', 'false', 'null']) : kind < 5 ? this.object(depth + 1) : this.array(depth + 1)
    return inner
  }

  object (depth = 0): string {
    return `{${this.#list(() => `${this.key()}${this.space()}:${this.space()}${this.value(depth)}`)}}`
  }

  array (depth = 0): string {
    return `[${this.#list(() => this.value(depth))}]`
  }

  #list (item: () => string): string {
    const items = Array.from({ length: this.pick(5) }, () => `${this.space()}${item()}${this.space()}`)
    return items.length === 0 ? this.space() : items.join(',')
  }
}
