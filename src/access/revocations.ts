import { RevocationsFullError } from '../errors.js'
import type { Grant } from './grant.js'

const MINUTE_MS = 60_000
/** Claims have whole seconds. */
const CLOCK_GRAIN_MS = 2_000
/** The accepted time by which the clock of an issuer is ahead of this one. */
const MAX_SKEW_MS = 5 * MINUTE_MS
/** The accepted time by which `iat` is in the future. */
export const MAX_AHEAD_MS = MAX_SKEW_MS + CLOCK_GRAIN_MS

/** The maximum number of revocations in memory. */
const MAX_REVOCATIONS = 100_000

/** The end of tokens before their expiry: of one, or of all earlier tokens of a subject. */
export interface Revocation {
  /** The claim whose value identifies the tokens. */
  readonly claim: 'sub' | 'jti'
  readonly value: string
  /** Time of the revocation in milliseconds since 1970: later tokens of the subject are valid. */
  readonly at: number
  /** Expiry of the last affected token, in milliseconds since 1970. */
  readonly until: number
}

/** The revocations that this instance knows. */
export class Revocations {
  /** Called after each new revocation. */
  onAdded: () => void = () => {}
  readonly #known = new Map<string, Pick<Revocation, 'at' | 'until'>>()
  readonly #max: number
  #skewMs = 0

  constructor (max = MAX_REVOCATIONS) {
    this.#max = max
  }

  get size (): number {
    return this.#known.size
  }

  /** Throws MSG_ERR_REVOCATIONS_FULL when there is no room for another one. */
  assertRoom (now: number): void {
    if (this.#known.size < this.#max) return
    for (const [key, { until }] of this.#known) if (until <= now) this.#known.delete(key)
    if (this.#known.size >= this.#max) throw new RevocationsFullError()
  }

  /** Adds a revocation in the form of {@link revocationText}. A known one has no effect, and neither has any other text. */
  add (text: string): void {
    const revocation = parseRevocation(text)
    if (revocation === undefined) return
    const { claim, value, at, until } = revocation
    const key = `${claim} ${value}`
    const known = this.#known.get(key) ?? { at: 0, until: 0 }
    if (known.at >= at && known.until >= until) return
    this.#known.set(key, { at: Math.max(known.at, at), until: Math.max(known.until, until) })
    this.onAdded()
  }

  /**
   * Measures by a verified token how far the clock of its issuer is ahead: a token issued before a revocation may have an `iat`
   * after it, so that a revocation by subject also covers this time, in whole minutes.
   */
  observe (issuedAt: number, now: number): void {
    const ahead = issuedAt - now
    // For a subject that was revoked in the same second an issuer sets `iat` to the next one.
    if (ahead > this.#skewMs + CLOCK_GRAIN_MS) this.#skewMs = Math.min(MAX_SKEW_MS, Math.ceil(ahead / MINUTE_MS) * MINUTE_MS)
  }

  /** The time up to which tokens of a subject are revoked, in milliseconds since 1970; 0 without a revocation. */
  revokedUntil (subject: string): number {
    const revokedAt = this.revokedAt(subject)
    return revokedAt === 0 ? 0 : revokedAt + this.#skewMs
  }

  /** The last revocation of a subject's tokens, in milliseconds since 1970; 0 without one. */
  revokedAt (subject: string): number {
    return this.#known.get(`sub ${subject}`)?.at ?? 0
  }

  /** Whether a grant was revoked. */
  has ({ subject, tokenId, issuedAt }: Grant): boolean {
    if (this.#known.size === 0) return false
    if (tokenId !== undefined && this.#known.has(`jti ${tokenId}`)) return true
    const revokedUntil = subject === undefined ? 0 : this.revokedUntil(subject)
    return revokedUntil > 0 && issuedAt <= revokedUntil
  }
}

/** The text of a revocation in an announcement. */
export function revocationText (revocation: Revocation): string {
  return JSON.stringify(revocation)
}

/** A revocation from its text in an announcement; `undefined` for anything else. Cannot throw. */
function parseRevocation (text: string): Revocation | undefined {
  try {
    const { claim, value, at, until } = (JSON.parse(text) ?? {}) as Partial<Record<keyof Revocation, unknown>>
    if (claim !== 'sub' && claim !== 'jti') return undefined
    return typeof value === 'string' && Number.isFinite(at) && Number.isFinite(until) ? { claim, value, at: Number(at), until: Number(until) } : undefined
  } catch {
    return undefined
  }
}
