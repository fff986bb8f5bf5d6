import { LEAVE_MS } from '../../broker.js'

/** The intervals and time limits of a broker on Redis, in milliseconds. */
export interface Timings {
  /** Time limit for a command, or for a connection. */
  readonly commandMs: number
  /** Between two checks whether a connection is alive. */
  readonly checkMs: number
  /** Between two comparisons of every occupied channel with its log. */
  readonly auditMs: number
  /** Between two reports of an instance's subscribers. */
  readonly reportMs: number
  /** Silence after which an instance counts as gone. */
  readonly nodeTtlMs: number
  /** From the end of a member's last connection to its leave. */
  readonly leaveMs: number
  /** Time limit for all instances to compare a new term; afterwards it is decided as one in which something was lost. */
  readonly barrierMs: number
  /** Time limit for another instance to confirm a registration. */
  readonly witnessMs: number
  /** Maximum delay between two attempts. */
  readonly maxBackoffMs: number
}

/** The values in production. A count is at most two reports old; a silent cut is detected within `checkMs + commandMs`. */
export const TIMINGS: Timings = {
  commandMs: 2_000,
  checkMs: 1_000,
  auditMs: 15_000,
  reportMs: 1_000,
  nodeTtlMs: 10_000,
  leaveMs: LEAVE_MS,
  barrierMs: 2_000,
  witnessMs: 500,
  maxBackoffMs: 250
}

const FIRST_BACKOFF_MS = 25

/** Milliseconds until attempt number `attempt`, with full jitter, so that the instances do not reconnect in step. */
export function backoff (attempt: number, maxMs: number): number {
  return Math.ceil(Math.random() * Math.min(maxMs, FIRST_BACKOFF_MS * 2 ** attempt))
}
