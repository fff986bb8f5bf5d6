import type { CloseCode } from './close.js'

/** The reason why a position is not available: the log is another one, or the messages after it are no longer kept. */
export type GapReason = 'epoch' | 'expired'

/** The position of a subscriber, as a stream announces it. */
export interface Standing {
  readonly channel: string
  /** The position before the first message that follows. */
  readonly id: string
  /** Set when messages before that position are lost to this subscriber. */
  readonly reason?: GapReason | undefined
  /** The position of a connection with several channels, where the transport has one. */
  readonly cursor?: string | undefined
  /** The maximum number of channels of the connection, where the client may add some. */
  readonly frames?: number | undefined
  /** Milliseconds until the grant ends. */
  readonly expiresIn?: number | undefined
}

/** The reason for which one channel of a connection is refused. */
export interface Refusal {
  /** The code of an error, `MSG_ERR_…`. */
  readonly code: string
  readonly message: string
  /** The close code of a connection with this channel alone. */
  readonly close: CloseCode
  /** Milliseconds until another attempt makes sense. */
  readonly retry?: number | undefined
}

/** The `subscribed` event as JSON text; with the interval of heartbeats for a client that requested them. */
export function subscribedText ({ channel, id, reason, frames, expiresIn }: Standing, heartbeat?: number): string {
  return JSON.stringify({ channel, event: 'subscribed', id, recovered: reason === undefined, reason, heartbeat, frames, expiresIn })
}

/** The `refused` event of one channel as JSON text. */
export function refusedText (channel: string, { code, message, close, retry }: Refusal): string {
  return JSON.stringify({ channel, event: 'refused', code, message, close, retry })
}

/** The `unsubscribed` event as JSON text, which is the answer to a frame. */
export function unsubscribedText (channel: string): string {
  return JSON.stringify({ channel, event: 'unsubscribed' })
}

/** The `token` event as JSON text: the token was accepted, and its grant ends after so many milliseconds. */
export function tokenText (expiresIn: number | undefined): string {
  return JSON.stringify({ event: 'token', expiresIn })
}
