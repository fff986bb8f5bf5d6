/** A frame as the server should send it; what it does send is checked where it matters. */
export interface Frame {
  channel: string
  id: string
  message?: unknown
  /** Milliseconds since 1970. */
  time?: number | undefined
  /** Whether the publisher waits for receipts. */
  receipt?: boolean
  event?: string
  recovered?: boolean | undefined
  reason?: string | undefined
  heartbeat?: number
  /** How many channels the connection may have, where it takes frames. */
  frames?: number
  /** Milliseconds for which the token is good. */
  expiresIn?: number
  /** A close code; in `refused`, an error code (`MSG_ERR_…`). */
  code?: number | undefined
  /** The close code of a connection that had the refused channel alone. */
  close?: number
  /** Milliseconds within which a refused channel may come back. */
  retry?: number
  /** Only in the answer to a poll. */
  messages?: Frame[] | undefined
}
