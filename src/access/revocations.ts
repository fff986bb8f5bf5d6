import { RevocationsFullError } from './errors.js'
import type { Grant } from './grant.js'

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

  /** When the tokens of a subject were revoked last, in milliseconds since 1970; 0: never. */
  revokedAt (subject: string): number {
    return this.#known.get(`sub ${subject}`)?.at ?? 0
  }

  /** Whether a grant was revoked. */
  has ({ subject, tokenId, issuedAt }: Grant): boolean {
    if (this.#known.size === 0) return false
    if (tokenId !== undefined && this.#known.has(`jti ${tokenId}`)) return true
    const revokedAt = subject === undefined ? 0 : this.revokedAt(subject)
    return revokedAt > 0 && issuedAt <= revokedAt
  }
}

/** A revocation as nodes tell each other of it. */
export function revocationText (revocation: Revocation): string {
  return JSON.stringify(revocation)
}
