import type { GapReason } from '../brokers/broker.js'
import type { CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import type { Channel } from './channel.js'

/** The position of a subscriber, as a stream announces it. */
export interface Standing {
  readonly channel: string
  /** The position before the first message that follows. */
  readonly id: string
  /** Set when messages before that position are lost to this subscriber. */
  readonly reason?: GapReason | undefined
}

/** The offset of a subscriber whose messages come from the log and not from the fan-out. */
export const REPLAYING = -1

/** The receiving end of a channel: a position in its log and the writing side of one connection. Transports extend it. */
export abstract class Subscriber {
  /** The channel of which the subscriber is a member; set by the hub. */
  channel: Channel | undefined
  /** The log and the offset of the last message written, or {@link REPLAYING}. */
  epoch = ''
  offset = REPLAYING
  /** The subscriber's slot in the heartbeat. */
  slot = 0

  /** @param encode the encoder of the transport; subscribers with the same one share the bytes. */
  constructor (readonly encode: Encode) {}

  /** Written bytes that the operating system has not taken yet. */
  abstract get unsentBytes (): number

  /** Bytes that the operating system has taken, from any start value. `NaN` where the number is unknown. */
  get sentBytes (): number {
    return NaN
  }

  /** Whether the connection still accepts writes. */
  abstract isOpen (): boolean

  /** Writes bytes of the transport's encoder. Does nothing once the connection is not open. */
  abstract write (bytes: Buffer): void

  /** Resolves when the unsent bytes are gone or the connection is closed. */
  abstract drained (): Promise<void>

  /** Announces the position of the subscriber; returns `false` where it did not request events. */
  abstract announce (standing: Standing): boolean

  /** Sends a heartbeat. */
  abstract signal (): void

  /** Sends a heartbeat and ends a connection from which none has arrived since the last call. */
  abstract beat (): void

  /** Ends the subscription with a reason. The connection is closed even when the peer does not answer. */
  abstract close (code: CloseCode, reason: string): void

  /** Ends the connection at once. */
  abstract terminate (): void
}

/** The `subscribed` event as JSON text; with the interval of heartbeats for a client that requested them. */
export function standingText ({ channel, id, reason }: Standing, heartbeat?: number): string {
  return JSON.stringify({ channel, event: 'subscribed', id, recovered: reason === undefined, reason, heartbeat })
}
