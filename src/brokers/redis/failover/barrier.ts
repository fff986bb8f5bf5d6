import type { Marks } from './marks.js'

/** The part of an instance in a comparison of terms. */
export interface Evidence {
  readonly marks: Marks
  /** Refuses all messages in flight; another admission follows at once. */
  readonly fence: () => void
  /** Compares every mark with its log in a term. Rejects when a log cannot be read or another term has begun. */
  readonly compare: (term: string) => Promise<void>
  /** Called with the reason for which the barrier waits. */
  readonly onWait: (reason: string) => void
}

/**
 * Prevents the use of logs in a term that was not compared. The methods reject while the server is unreachable or its answer is
 * unexpected; the caller retries.
 */
export interface Barrier {
  /** Resolves with the term to be admitted to, once it is decided. At once where it is the one that was passed last. */
  pass (evidence: Evidence): Promise<string>
  /** Whether the last passed term is still the one of the server, or nothing has to wait for another. To be called periodically. */
  holds (evidence: Evidence): Promise<boolean>
  /** Called when another instance requests a witness. Does not reject. */
  witnessRequested (): Promise<void>
  /** Removes this instance; nothing may be acknowledged afterwards. */
  leave (): Promise<void>
}
