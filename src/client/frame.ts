/** A frame as the server should send it; what it does send is checked where it matters. */
export interface Frame {
  channel: string
  id: string
  message?: unknown
  event?: string
  recovered?: boolean | undefined
  reason?: string
  heartbeat?: number
  /** How many channels the connection may have, where it takes frames. */
  frames?: number
  /** Milliseconds for which the token is good. */
  expiresIn?: number
  /** A close code, or what was refused and why. */
  code?: number | string
  /** The close code of a connection that had the refused channel alone. */
  close?: number
  retry?: number
  time?: number
  from?: string
  /** Whether the publisher waits for an answer. */
  receipt?: boolean
  /** Only in the answer to a poll. */
  messages?: Frame[] | undefined
}
