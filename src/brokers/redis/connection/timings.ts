/** The times that a broker on Redis keeps, in milliseconds. */
export interface Timings {
  /** How long a command, or the way to a connection, may take. */
  readonly commandMs: number
  /** Between two questions whether a connection is alive. */
  readonly checkMs: number
  /** Between two comparisons of every channel that is listened to with its log. */
  readonly auditMs: number
  /** Between two reports of a node's subscribers. */
  readonly reportMs: number
  /** A node that was not heard of for so long is gone. */
  readonly nodeTtlMs: number
  /** How long instances that have not compared a new term are waited for, before it is decided as one in which something was lost. */
  readonly barrierMs: number
  /** How long an instance waits until another one has confirmed its registration. */
  readonly witnessMs: number
  /** At most so long until the next attempt, when one failed. */
  readonly maxBackoffMs: number
}

/** What production uses. A count is at most two reports old; a silent cut is noticed within `checkMs + commandMs`. */
export const TIMINGS: Timings = {
  commandMs: 2_000,
  checkMs: 1_000,
  auditMs: 15_000,
  reportMs: 1_000,
  nodeTtlMs: 10_000,
  barrierMs: 2_000,
  witnessMs: 500,
  maxBackoffMs: 500
}

const FIRST_BACKOFF_MS = 25

/** Milliseconds until attempt number `attempt`, with full jitter, so that the nodes do not come back in step. */
export function backoff (attempt: number, maxMs: number): number {
  return Math.ceil(Math.random() * Math.min(maxMs, FIRST_BACKOFF_MS * 2 ** attempt))
}
