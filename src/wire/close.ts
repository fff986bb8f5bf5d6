/**
 * The reasons to close a subscription, as WebSocket close codes (RFC 6455, section 7.4; 4000–4999 are the application's).
 * After the final ones a client does not reconnect; after the others it reconnects and resumes.
 */
export const Close = {
  /** The service goes away. */
  GOING_AWAY: 1001,
  /** The channel is missing, invalid or reserved, or `since` is not an id. Final. */
  POLICY: 1008,
  /** The service restarts; the reason may contain `retry=<ms>`, the window in which to reconnect. */
  RESTART: 1012,
  /** The subscriber reads too slowly, or the service is overloaded. */
  TRY_AGAIN: 1013,
  /** The token is missing, invalid or expired. */
  UNAUTHORIZED: 4401,
  /** The token does not cover the channel. Final. */
  FORBIDDEN: 4403
} as const

/** One of the codes of {@link Close}. */
export type CloseCode = typeof Close[keyof typeof Close]
