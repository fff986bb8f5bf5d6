import { createSigner } from 'fast-jwt'

const SECOND_MS = 1_000

/** What an issuer asks of the revocations. */
export interface KnownRevocations {
  /** The time up to which tokens of a subject are revoked, in milliseconds since 1970; 0: none is. */
  revokedUntil (subject: string): number
}

/** What a token is made of. */
export interface TokenRequest {
  readonly subscribe?: readonly string[] | undefined
  readonly send?: readonly string[] | undefined
  readonly sub?: string | undefined
  readonly jti: string
  /** Milliseconds that it is valid for at most; from 1,000 on. */
  readonly ttlMs: number
}

/** A token, and when it ends in seconds since 1970, as its claim `exp` says. */
export interface IssuedToken {
  readonly token: string
  readonly exp: number
}

/** What tokens carry besides, so that a verifier with the same configuration takes them. */
export interface TokenIssuerOptions {
  /** HS256. */
  readonly secret: string
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

/** Makes tokens, so that a backend needs no library for it. */
export class TokenIssuer {
  readonly #sign: (claims: Record<string, unknown>) => string

  readonly #revocations: KnownRevocations

  constructor ({ secret, issuer, audience }: TokenIssuerOptions, revocations: KnownRevocations) {
    this.#revocations = revocations
    this.#sign = createSigner({
      key: secret,
      algorithm: 'HS256',
      ...issuer !== undefined && { iss: issuer },
      ...audience !== undefined && { aud: audience }
    })
  }

  /** Makes a token that is valid from now on. */
  issue ({ subscribe, send, sub, jti, ttlMs }: TokenRequest): IssuedToken {
    const now = Date.now()
    // The claim has whole seconds: one that is made in the second of a revocation would be taken for one from before it.
    const iat = Math.floor(Math.max(now, sub === undefined ? 0 : this.#revocations.revokedUntil(sub) + SECOND_MS) / SECOND_MS)
    // Rounded down: no verifier takes a token that lives longer than it may.
    const exp = Math.floor((now + ttlMs) / SECOND_MS)
    return { token: this.#sign({ subscribe, send, sub, jti, iat, exp }), exp }
  }
}
