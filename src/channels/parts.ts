/**
 * The messages that a connection has queued, as a chain. Connections that have queued the same ones share it, and with it the bytes
 * that they are joined to: neither a message nor a connection costs memory of its own.
 */
export class Parts {
  /** Bytes of the chain up to here. */
  readonly length: number
  readonly #before: Parts | undefined
  readonly #bytes: Buffer
  /** The chain that was continued last: connections queue in the same order. */
  #next: Parts | undefined
  #joined: Buffer | undefined

  constructor (bytes: Buffer, before?: Parts) {
    this.#bytes = bytes
    this.#before = before
    this.length = bytes.length + (before === undefined ? 0 : before.length)
  }

  /** The chain with further bytes. */
  and (bytes: Buffer): Parts {
    const next = this.#next
    return next !== undefined && next.#bytes === bytes ? next : this.#next = new Parts(bytes, this)
  }

  /** Whether the chain begins, and ends, with these bytes. */
  is (bytes: Buffer): boolean {
    return this.#bytes === bytes
  }

  /** All as one buffer, made once. */
  join (): Buffer {
    return this.#joined ??= this.#before === undefined ? this.#bytes : Buffer.concat(this.#list(), this.length)
  }

  #list (): Buffer[] {
    const list = [this.#bytes]
    for (let part = this.#before; part !== undefined; part = part.#before) list.push(part.#bytes)
    return list.reverse()
  }
}
