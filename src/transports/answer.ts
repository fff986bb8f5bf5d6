import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Flow } from '../limits/stalls.js'

/** Bytes per write, so that progress is visible. */
const CHUNK_BYTES = 65_536
/** Maximum length of an answer; the rest is available after its id. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2

/** An answer that is sent at the pace of its reader. */
export class Answer implements Flow {
  readonly #bytes: Buffer
  readonly #response: ServerResponse
  #handed = 0

  constructor (bytes: Buffer, response: ServerResponse) {
    this.#bytes = bytes
    this.#response = response
  }

  /** The body. */
  get payload (): Buffer | Readable {
    return this.#bytes.length <= CHUNK_BYTES ? this.#bytes : Readable.from(this.#chunks(), { objectMode: false })
  }

  /** The whole length until the response is over. */
  get unsentBytes (): number {
    return this.#bytes.length
  }

  get sentBytes (): number {
    return this.#handed
  }

  terminate (): void {
    this.#response.destroy()
  }

  * #chunks (): Generator<Buffer> {
    while (this.#handed < this.#bytes.length) yield this.#bytes.subarray(this.#handed, this.#handed += CHUNK_BYTES)
  }
}

/** The number of entries that fit in one answer, at least 1. */
export function countOfAnswer (entries: readonly { readonly message: string }[]): number {
  let left = MAX_ANSWER_BYTES
  const end = entries.findIndex(({ message }) => (left -= message.length) < 0)
  return end < 0 ? entries.length : Math.max(1, end)
}
