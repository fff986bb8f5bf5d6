import { randomUUID } from 'node:crypto'
import { GrantInvalidError } from '../errors.js'
import { MAX_NAME_LENGTH, MAX_PATTERNS } from './claims.js'
import { isPattern } from './patterns.js'
import type { TokenRequest } from './token-issuer.js'

const SECOND_MS = 1_000
const DEFAULT_TTL_SECONDS = 3_600

/** The content of a token as a backend or an operator asks for it. */
export interface RequestedToken {
  readonly subscribe?: readonly string[] | undefined
  readonly send?: readonly string[] | undefined
  readonly sub?: string | undefined
  readonly jti?: string | undefined
  /** Seconds. */
  readonly ttl?: number | undefined
}

/** The request to the issuer, with the defaults. Throws MSG_ERR_GRANT_INVALID, which names the value and its rule. */
export function tokenRequest ({ subscribe, send, sub, jti = randomUUID(), ttl }: RequestedToken, maxTtlMs: number): TokenRequest {
  if (subscribe === undefined && send === undefined) throw new GrantInvalidError('give subscribe or send, a list of patterns of channels')
  for (const [claim, patterns = []] of Object.entries({ subscribe, send })) {
    if (patterns.length > MAX_PATTERNS || !patterns.every(isPattern)) {
      throw new GrantInvalidError(`${claim} must be a list of at most ${MAX_PATTERNS} patterns, ` +
        'each 1 to 100 characters of a channel\'s name or *')
    }
  }
  for (const [claim, name = 'absent'] of Object.entries({ sub, jti })) {
    if (name === '' || name.length > MAX_NAME_LENGTH) throw new GrantInvalidError(`${claim} must have 1 to ${MAX_NAME_LENGTH} characters`)
  }
  const seconds = ttl ?? Math.min(DEFAULT_TTL_SECONDS, Math.floor(maxTtlMs / SECOND_MS))
  if (seconds * SECOND_MS > maxTtlMs) throw new GrantInvalidError(`ttl must be at most ${maxTtlMs / SECOND_MS} s (TOKEN_MAX_TTL)`)
  return { subscribe, send, sub, jti, ttlMs: seconds * SECOND_MS }
}
