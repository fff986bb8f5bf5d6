/**
 * The reasons to close a subscription, as WebSocket close codes (RFC 6455, section 7.4; 4000–4999 are the application's).
 * After the final ones a client does not reconnect; after the others it reconnects and resumes.
 */
export const Close = {
  /** The service goes away. */
  GOING_AWAY: 1001,
  /** The channel is missing, invalid or reserved, `since` is not an id, or the subscriber sends too much. Final. */
  POLICY: 1008,
  /** The service restarts; the reason may contain `retry=<ms>`, the window in which to reconnect. */
  RESTART: 1012,
  /** The subscriber reads too slowly, or the service is overloaded. */
  TRY_AGAIN: 1013,
  /** The token is missing, invalid, expired or revoked. */
  UNAUTHORIZED: 4401,
  /** The token does not cover the channel. Final. */
  FORBIDDEN: 4403
} as const

/** One of the codes of {@link Close}. */
export type CloseCode = typeof Close[keyof typeof Close]

/** The close codes for HTTP statuses, which a page could not read. For all others another attempt makes sense. */
const CODES: Partial<Record<number, CloseCode>> = {
  400: Close.POLICY,
  401: Close.UNAUTHORIZED,
  403: Close.FORBIDDEN,
  404: Close.POLICY
}

/** The close code that says the same as the status of an error. */
export function closeCodeOf (statusCode = 500): CloseCode {
  return CODES[statusCode] ?? Close.TRY_AGAIN
}

/** Whether another attempt makes no sense. */
export function isFinal (code: CloseCode): boolean {
  return code === Close.POLICY || code === Close.FORBIDDEN
}
