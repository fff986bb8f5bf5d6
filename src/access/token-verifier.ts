import { createVerifier, TokenError } from 'fast-jwt'
import { TokenExpiredError, TokenRefusedError } from '../errors.js'
import { type Claims, grantOf } from './claims.js'
import type { Grant } from './grant.js'
import type { KeySet } from './key-set.js'
import type { VerificationKey } from './token-keys.js'

/** Longest accepted token, in characters. */
const MAX_TOKEN_LENGTH = 8_192

/** Settings of {@link TokenVerifier}. */
export interface TokenVerifierOptions {
  /** Configured keys; several of one kind are valid at once. */
  readonly keys: readonly VerificationKey[]
  /** Fetched keys, for tokens without a key in `keys`. */
  readonly keySet: KeySet | undefined
  /** Accepted values of the claim `iss`; empty: any, or none. */
  readonly issuers: readonly string[]
  /** Accepted values of the claim `aud`; empty: any, or none. */
  readonly audiences: readonly string[]
  /** Maximum remaining lifetime of a token in milliseconds. */
  readonly maxTtlMs: number
}

type Verify = (token: string) => Claims

/**
 * Verifies JSON Web Tokens (RFC 7519). The algorithm is the key's and not the token's: a token is verified with the keys of the
 * algorithm in its header, and refused where there are none (as for `none`).
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions
  readonly #verifiers: Partial<Record<string, Verify[]>> = Object.create(null) as Record<string, Verify[]>
  readonly #fetched = new WeakMap<VerificationKey, Verify>()

  constructor (options: TokenVerifierOptions) {
    this.#options = options
    for (const key of options.keys) (this.#verifiers[key.algorithm] ??= []).push(this.#verifier(key))
  }

  /**
   * The grant of a token; synchronous when its key is known. Throws, or rejects, with MSG_ERR_TOKEN_REFUSED or MSG_ERR_TOKEN_EXPIRED,
   * and MSG_ERR_AUTHORIZATION_UNAVAILABLE when keys cannot be fetched.
   */
  verify (token: string): Grant | Promise<Grant> {
    const header = headerOf(token)
    const verifiers = this.#verifiers[header.alg]
    if (verifiers !== undefined) return this.#grant(claimsOf(token, verifiers))
    if (this.#options.keySet === undefined) throw new TokenRefusedError('no key is of its algorithm')
    return this.#verifyFetched(token, header, this.#options.keySet)
  }

  async #verifyFetched (token: string, header: Header, keySet: KeySet): Promise<Grant> {
    const key = await keySet.keyFor(header)
    let verify = this.#fetched.get(key)
    if (verify === undefined) this.#fetched.set(key, verify = this.#verifier(key))
    return this.#grant(claimsOf(token, [verify]))
  }

  #grant (claims: Claims): Grant {
    return grantOf(claims, this.#options.maxTtlMs, Date.now())
  }

  #verifier ({ algorithm, key }: VerificationKey): Verify {
    const { issuers, audiences } = this.#options
    // A missing claim is not checked unless it is required.
    const requiredClaims = ['exp', ...issuers.length > 0 ? ['iss'] : [], ...audiences.length > 0 ? ['aud'] : []]
    return createVerifier({
      key,
      algorithms: [algorithm],
      requiredClaims,
      // An empty list would allow no value at all.
      ...issuers.length > 0 && { allowedIss: [...issuers] },
      ...audiences.length > 0 && { allowedAud: [...audiences] }
    }) as Verify
  }
}

type Header = Readonly<Record<string, unknown>> & { readonly alg: string }

/** The header of a token, not verified yet. */
function headerOf (token: string): Header {
  if (token.length > MAX_TOKEN_LENGTH) throw new TokenRefusedError(`it has more than ${MAX_TOKEN_LENGTH} characters`)
  try {
    const header = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()) as Partial<Header> | null
    if (typeof header?.alg === 'string') return header as Header
  } catch {
    // Reported below.
  }
  throw new TokenRefusedError('it is not a JSON Web Token')
}

/** The claims of a token that one of the keys verifies. The error is that of the key with the right signature, otherwise of the last. */
function claimsOf (token: string, verifiers: readonly Verify[]): Claims {
  let refusal: unknown
  for (const verify of verifiers) {
    try {
      return verify(token)
    } catch (error) {
      refusal = error
      if ((error as TokenError).code !== TokenError.codes.invalidSignature) break
    }
  }
  throw translate(refusal as TokenError)
}

/** Reasons that the holder can act on. The texts of the library may quote the token, and reveal something about the keys. */
const REASONS: Partial<Record<string, string>> = {
  [TokenError.codes.inactive]: 'nbf is in the future',
  [TokenError.codes.invalidSignature]: 'its signature is not of a key that is accepted',
  [TokenError.codes.missingSignature]: 'it has no signature',
  [TokenError.codes.missingRequiredClaim]: 'it needs exp, and iss and aud where they are configured',
  [TokenError.codes.invalidClaimValue]: 'iss or aud is not the one that is expected',
  [TokenError.codes.invalidClaimType]: 'a claim has a value of another type than it must have'
}

function translate ({ code }: TokenError): Error {
  if (code === TokenError.codes.expired) return new TokenExpiredError()
  return new TokenRefusedError(REASONS[code] ?? 'it is not a JSON Web Token')
}
