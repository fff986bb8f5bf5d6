import { hash, timingSafeEqual } from 'node:crypto'

/** The token of a service that was given none, which is no secret. */
export const DEFAULT_TOKEN = 'default-secret'

/** The tokens of publishers for all channels. */
export class BearerTokens {
  readonly #digests: readonly Buffer[]

  constructor (tokens: string | readonly string[]) {
    this.#digests = [tokens].flat().map(digest)
  }

  get size (): number {
    return this.#digests.length
  }

  /**
   * The index of a token, or -1. Digests have the same length, and all are compared, so that the time reveals nothing about the
   * tokens.
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
