import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Flow } from '../limits/stalls.js'

/** What is handed to the connection at a time, so that it can be seen whether it is taken. */
const CHUNK_BYTES = 65_536
/** How long an answer may get; there is more where its id says. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2

/** An answer that is sent at the pace in which it is read. */
export class Answer implements Flow {
  readonly #bytes: Buffer
  readonly #response: ServerResponse
  #handed = 0

  constructor (bytes: Buffer, response: ServerResponse) {
    this.#bytes = bytes
    this.#response = response
  }

  /** What is to be sent as the body. */
  get payload (): Buffer | Readable {
    return this.#bytes.length <= CHUNK_BYTES ? this.#bytes : Readable.from(this.#chunks(), { objectMode: false })
  }

  /** All of it until the response is over. */
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

/** How many of the entries, one at least, one answer has room for. */
export function countOfAnswer (entries: readonly { readonly message: string }[]): number {
  let left = MAX_ANSWER_BYTES
  const end = entries.findIndex(({ message }) => (left -= message.length) < 0)
  return end < 0 ? entries.length : Math.max(1, end)
}
