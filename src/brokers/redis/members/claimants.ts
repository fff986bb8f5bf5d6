import { randomBytes } from 'node:crypto'

/** Claimants that are remembered; one that is forgotten while it has claims counts as new, and so is dead a little later. */
const MAX_KNOWN = 10_000
/** Earlier claimants of this instance whose claims it takes over. */
const MAX_FORMER = 8

/** This instance as a claimant, and the claimants that other instances report. Times are those of `performance.now()`. */
export class Claimants {
  readonly #ttlMs: number
  readonly #heardAt = new Map<string, number>()
  #own: string[] = []

  /** @param ttlMs silence after which a claimant is dead */
  constructor (ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** This claimant and its predecessors, newest first; empty before the first claim. */
  get own (): readonly string[] {
    return this.#own
  }

  /** Makes this instance another claimant. */
  renew (): void {
    this.#own = [randomBytes(9).toString('base64url'), ...this.#own].slice(0, MAX_FORMER)
  }

  /** To be called with each claimant that another instance reports. */
  heard (claimant: string, now: number): void {
    // The one that was heard last stands last.
    this.#heardAt.delete(claimant)
    this.#heardAt.set(claimant, now)
    if (this.#heardAt.size <= MAX_KNOWN) return
    const [oldest] = this.#heardAt.keys() as Iterable<string>
    this.#heardAt.delete(oldest as string)
  }

  /** Treats all claimants as if they had been reported now. */
  spare (now: number): void {
    for (const claimant of this.#heardAt.keys()) this.#heardAt.set(claimant, now)
  }

  /** Whether a claimant that was found in Redis is dead. The silence of an unknown one begins now. */
  isDead (claimant: string, now: number): boolean {
    if (claimant === this.#own[0]) return false
    const heardAt = this.#heardAt.get(claimant)
    if (heardAt === undefined) this.heard(claimant, now)
    return heardAt !== undefined && now - heardAt > this.#ttlMs
  }
}
