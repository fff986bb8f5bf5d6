/** The first limit, in milliseconds. */
export const BASE = 1000
const CAP = 30_000

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first one after a connection that worked): anything from 0 to
 * a limit that doubles, so that clients that were cut at the same moment come back spread out ("full jitter").
 * A window that the server asks for replaces the limit when the connection had worked, and otherwise can only extend it:
 * a server that refuses everybody with a short `Retry-After` is not called more and more often.
 */
export const delay = (attempt: number, wasOpen: boolean, reason: string): number => {
  // Seven digits at most: timers of more than 2^31 ms fire at once.
  const window = Number(/retry=(\d{1,7})/.exec(reason)?.[1] ?? 0)
  return Math.random() * ((wasOpen && window) || Math.max(window, Math.min(CAP, BASE * 2 ** attempt)))
}
