import { hash, timingSafeEqual } from 'node:crypto'

/** The tokens of publishers that may send to every channel. */
export class BearerTokens {
  readonly #digests: readonly Buffer[]

  constructor (tokens: string | readonly string[]) {
    this.#digests = [tokens].flat().map(digest)
  }

  get size (): number {
    return this.#digests.length
  }

  /**
   * The place of a token among them, or -1 where it is none. Digests are equally long, and every one is compared: the time tells
   * nothing about the tokens.
   */
  indexOf (token: string): number {
    const candidate = digest(token)
    let found = -1
    for (const [index, accepted] of this.#digests.entries()) if (timingSafeEqual(accepted, candidate)) found = index
    return found
  }
}

function digest (token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
