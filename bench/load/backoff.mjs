const BASE_MS = 1_000
const CAP_MS = 30_000

/** Milliseconds before an attempt (0 is the first after a connection that worked): full jitter, as in src/client/backoff.ts. */
export function backoffMs (attempt) {
  return Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt)
}
