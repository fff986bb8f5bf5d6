/** A frame as the server should send it; what it does send is checked where it matters. */
export interface Frame {
  channel: string
  id: string
  message?: unknown
  event?: string
  recovered?: boolean | undefined
  reason?: string | undefined
  heartbeat?: number
  /** How many channels the connection may have, where it takes frames. */
  frames?: number
  /** Milliseconds for which the token is good. */
  expiresIn?: number
  /** A close code; of a refusal a name. */
  code?: number | undefined
  /** The close code of a connection that had the refused channel alone. */
  close?: number
  /** Milliseconds within which a refused channel may come back. */
  retry?: number
  floor?: number | undefined
  /** The same number from 0 to 1 for all that end together, so that they come back together. */
  dice?: number
  error?: unknown
  /** Only in the answer to a poll. */
  messages?: Frame[] | undefined
}
