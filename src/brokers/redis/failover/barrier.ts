import type { Marks } from './marks.js'

/** What an instance has to offer when terms are compared. */
export interface Evidence {
  readonly marks: Marks
  /** Compares every mark with its log, as it is in a term. Rejects when a log cannot be asked or another term has begun. */
  readonly compare: (term: string) => Promise<void>
  /** Called with what the barrier waits for. */
  readonly onWait: (reason: string) => void
}

/**
 * What keeps an instance from using logs in a term that was not compared. The methods reject while the server cannot be asked or
 * answers something unexpected; the caller tries again.
 */
export interface Barrier {
  /** Resolves with the term to be admitted to, once it is decided. Not again when it is the one that was passed last. */
  pass (evidence: Evidence): Promise<string>
  /** Whether the term that was passed last is still the one of the server, or nothing has to wait for another. To be asked now and then. */
  holds (evidence: Evidence): Promise<boolean>
  /** Called when another instance asks to be witnessed. Does not reject. */
  witnessRequested (): Promise<void>
  /** Takes this instance out; nothing is to be acknowledged afterwards. */
  leave (): Promise<void>
}
