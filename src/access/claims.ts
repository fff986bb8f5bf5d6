import { TokenRefusedError } from '../errors.js'
import { Grant } from './grant.js'
import { isPattern, Patterns } from './patterns.js'
import { MAX_AHEAD_MS } from './revocations.js'

const SECOND_MS = 1_000
/** Patterns of one claim. */
export const MAX_PATTERNS = 100
/** Characters of `sub` and `jti`, which are kept in memory while their holder is connected or revoked. */
export const MAX_NAME_LENGTH = 255

/** The unchecked claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>

/**
 * The grant of a token: `subscribe` and `send` are lists of patterns, `sub` and `jti` identify its holder and itself, `exp` and
 * `iat` are in seconds (RFC 7519, section 4.1). Throws MSG_ERR_TOKEN_REFUSED where one of them is invalid.
 */
export function grantOf (claims: Claims, maxTtlMs: number, now: number): Grant {
  const expiresAt = time(claims, 'exp') ?? Infinity
  // Revocations are kept for the maximum lifetime of a token, so that none may live longer.
  if (expiresAt > now + maxTtlMs) throw new TokenRefusedError(`exp must be at most ${maxTtlMs / SECOND_MS} s from now (TOKEN_MAX_TTL)`)
  const issuedAt = time(claims, 'iat')
  // It would be indistinguishable from a token issued after a later revocation.
  if (issuedAt !== undefined && issuedAt > now + MAX_AHEAD_MS)
    throw new TokenRefusedError(`iat must be at most ${MAX_AHEAD_MS / SECOND_MS} s from now: synchronize the clock of the issuer of tokens`)
  return new Grant({ subscribe: patterns(claims, 'subscribe'), send: patterns(claims, 'send') }, {
    subject: name(claims, 'sub'),
    tokenId: name(claims, 'jti'),
    issuedAt,
    expiresAt
  })
}

function patterns (claims: Claims, claim: string): Patterns {
  const { [claim]: value = [] } = claims
  if (!Array.isArray(value) || value.length > MAX_PATTERNS || !value.every(isPattern))
    throw new TokenRefusedError(`${claim} must be a list of at most ${MAX_PATTERNS} patterns of channels`)
  return new Patterns(value)
}

function name (claims: Claims, claim: string): string | undefined {
  const { [claim]: value } = claims
  if (value !== undefined && (typeof value !== 'string' || value.length > MAX_NAME_LENGTH))
    throw new TokenRefusedError(`${claim} must be a text of at most ${MAX_NAME_LENGTH} characters`)
  return value
}

function time (claims: Claims, claim: string): number | undefined {
  const { [claim]: value } = claims
  if (value !== undefined && typeof value !== 'number') throw new TokenRefusedError(`${claim} must be a number of seconds`)
  return value === undefined ? undefined : value * SECOND_MS
}
