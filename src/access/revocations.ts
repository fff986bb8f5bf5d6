import { RevocationsFullError } from '../errors.js'
import type { Grant } from './grant.js'

const MINUTE_MS = 60_000
/** Claims have whole seconds. */
const CLOCK_GRAIN_MS = 2_000
/** What the clocks of those who make tokens are trusted to be ahead of this one's at most. */
const MAX_SKEW_MS = 5 * MINUTE_MS
/** How far ahead a token may say that it was made. */
export const MAX_AHEAD_MS = MAX_SKEW_MS + CLOCK_GRAIN_MS

/** Revocations that are remembered at once. */
const MAX_REVOCATIONS = 100_000

/** The end of tokens before their time: of one, or of all that a subject got until then. */
export interface Revocation {
  /** What it is about: `sub` with the claim's value, or `jti`. */
  readonly claim: 'sub' | 'jti'
  readonly value: string
  /** When it was made, in milliseconds since 1970: later tokens of the subject are good. */
  readonly at: number
  /** When the last token that it is about has expired, in milliseconds since 1970. */
  readonly until: number
}

/** The revocations that a node knows of. */
export class Revocations {
  /** Called when one became known. */
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

  /** Takes one, as text as {@link revocationText} makes it. What is known already changes nothing. */
  add (text: string): void {
    const { claim, value, at, until } = JSON.parse(text) as Revocation
    const key = `${claim} ${value}`
    const known = this.#known.get(key) ?? { at: 0, until: 0 }
    if (known.at >= at && known.until >= until) return
    this.#known.set(key, { at: Math.max(known.at, at), until: Math.max(known.until, until) })
    this.onAdded()
  }

  /**
   * Learns from a token that was verified how far the clock of its issuer is ahead: what it issues before a revocation may name a
   * time after it, so that a revocation by subject takes as much more with it, in whole minutes.
   */
  observe (issuedAt: number, now: number): void {
    const ahead = issuedAt - now
    // An issuer whose subject was revoked in the same second names the next one.
    if (ahead > this.#skewMs + CLOCK_GRAIN_MS) this.#skewMs = Math.min(MAX_SKEW_MS, Math.ceil(ahead / MINUTE_MS) * MINUTE_MS)
  }

  /** The time up to which tokens of a subject are revoked, in milliseconds since 1970; 0: none is. */
  revokedUntil (subject: string): number {
    const revokedAt = this.revokedAt(subject)
    return revokedAt === 0 ? 0 : revokedAt + this.#skewMs
  }

  /** When the tokens of a subject were revoked last, in milliseconds since 1970; 0: never. */
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

/** A revocation as nodes tell each other of it. */
export function revocationText (revocation: Revocation): string {
  return JSON.stringify(revocation)
}
