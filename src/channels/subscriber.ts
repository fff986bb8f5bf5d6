import type { TransportName } from '../metrics/traffic.js'
import type { CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import type { Standing } from '../wire/events.js'
import type { Channel } from './channel.js'
import type { Connection } from './connection.js'

/** Unsent bytes up to which a replay goes on writing. */
const REPLAY_WINDOW_BYTES = 65_536

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

  /** The transport, as metrics name it. */
  abstract get transport (): TransportName | undefined

  /** The connection, where several channels share one. */
  get connection (): Connection | undefined {
    return undefined
  }

  /** Whether the bytes of {@link encode} are the same for all subscribers with that encoder. */
  get sharesBytes (): boolean {
    return true
  }

  /** The cost of the next write, as a multiple of a write to a socket. */
  get writeCost (): number {
    return 1
  }

  /** Unsent bytes above which a replay waits. */
  get replayWindow (): number {
    return REPLAY_WINDOW_BYTES
  }

  /** Whether the client can acknowledge a message. */
  get acknowledges (): boolean {
    return false
  }

  /** Called after a message that asks for an acknowledgement: where the client is limited, it may send the bytes of one more. */
  allowAcknowledgement (): void {}

  /** Written bytes that the operating system has not taken yet. */
  abstract get unsentBytes (): number

  /** Bytes that the operating system has taken, from any start value. `NaN` where the number is unknown. */
  get sentBytes (): number {
    return NaN
  }

  /**
   * A ping to be written behind a message; `onAnswer` is called when the client answers it. `undefined` while the last one is unanswered.
   * Absent where the transport has no pings.
   */
  ping? (onAnswer: () => void): Buffer | undefined

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

  /** Sends an event of the protocol, as JSON text. On an event stream, `id` becomes the position of the client. */
  abstract send (event: string, text: string, id?: string): void

  /** Closes the connection with a reason, also when the peer does not answer. */
  abstract close (code: CloseCode, reason: string): void

  /** Ends the connection at once; the reason is for the log. */
  abstract terminate (why?: string): void
}
