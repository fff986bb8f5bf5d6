import { createSigner } from 'fast-jwt'

const SECOND_MS = 1_000

/** The part of the revocations that an issuer needs. */
export interface KnownRevocations {
  /** The time up to which tokens of a subject are revoked, in milliseconds since 1970; 0 without a revocation. */
  revokedUntil (subject: string): number
}

/** The content of a token. */
export interface TokenRequest {
  readonly subscribe?: readonly string[] | undefined
  readonly send?: readonly string[] | undefined
  readonly sub?: string | undefined
  readonly jti: string
  /** Maximum lifetime in milliseconds; at least 1,000. */
  readonly ttlMs: number
}

/** A token, and its claim `exp` in seconds since 1970. */
export interface IssuedToken {
  readonly token: string
  readonly exp: number
}

/** The secret and the common claims of tokens, which a verifier with the same configuration accepts. */
export interface TokenIssuerOptions {
  /** Secret of HS256. */
  readonly secret: string
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

/** Issues tokens, so that a backend needs no library for them. */
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

  /** Issues a token that is valid from now on. */
  issue ({ subscribe, send, sub, jti, ttlMs }: TokenRequest): IssuedToken {
    const now = Date.now()
    // The claim has whole seconds: a token issued in the second of a revocation would count as an earlier one.
    const iat = Math.floor(Math.max(now, sub === undefined ? 0 : this.#revocations.revokedUntil(sub) + SECOND_MS) / SECOND_MS)
    // Rounded down: a verifier refuses a token that exceeds the maximum lifetime.
    const exp = Math.floor((now + ttlMs) / SECOND_MS)
    return { token: this.#sign({ subscribe, send, sub, jti, iat, exp }), exp }
  }
}
