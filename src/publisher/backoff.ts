const BASE_MS = 100
const CAP_MS = 3_000

/** Milliseconds until attempt number `attempt` (1 is the first repetition), with full jitter, so that publishers do not return in step. */
export function backoff (attempt: number): number {
  return Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt)
}

/** The header `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 without one. */
export function retryAfterMs (header: string | null, now: number): number {
  if (header === null) return 0
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now
  return ms > 0 ? ms : 0
}
