import type { WebSocket } from 'ws'
import { Subscriber } from '../channels/subscriber.js'
import { connectionOf, stopPongs, type WebSocketConnection } from '../http/internals.js'
import { Close, type CloseCode } from '../wire/close.js'
import { type Standing, subscribedText } from '../wire/events.js'
import { encodeTextFrames, encodeWebSocket, HEARTBEAT_FRAMES, NUMBERED_PONG_BYTES, PING_FRAME } from '../wire/websocket.js'
import { drained } from './drained.js'
import { numberedPing } from './numbered-pings.js'

/** Time limit for the peer to answer a close before the connection is ended. */
const CLOSE_TIMEOUT_MS = 5_000
/** Bytes of an acknowledgement; the longest one takes less. */
const ACK_BYTES = 256
const UNKNOWN = -1
/** The close reason for a subscriber that sends too much. */
export const FLOODED = 'sends too much'
const SUBSCRIBER = Symbol('subscriber')

type Connection = WebSocketConnection & { [SUBSCRIBER]?: WebSocketSubscriber }

/** Settings that all WebSocket subscribers share. */
export interface WebSocketSettings {
  /** Milliseconds between two beats. */
  readonly pingIntervalMs: number
  /** Bytes that a subscriber may send from one beat to the next, besides those that it is allowed. */
  readonly maxReceivedBytes: number
  /** Called to end the subscription of a subscriber that sends more. */
  readonly onFlood: (subscriber: Subscriber) => void
  /** Called before a connection is closed, with the code, or ended without one. */
  readonly onEnd?: ((subscriber: Subscriber, why: string, code?: CloseCode) => void) | undefined
}

/** The request of a client. */
export interface WebSocketRequest {
  /** Whether the client requests events; a plain WebSocket receives nothing but messages. */
  readonly announced: boolean
  /** Whether the client requests heartbeats that a script sees, as empty text frames, and their interval. */
  readonly heartbeat: boolean
}

/**
 * A subscriber on a WebSocket. Messages are written as finished frames to the stream under it, past `ws`: one buffer for
 * all subscribers instead of one per socket. The protocol is respected: `ws` writes each of its own frames in one piece, so that
 * frames never mix, and nothing is written here unless the WebSocket is open, so that nothing follows a close frame.
 */
export class WebSocketSubscriber extends Subscriber {
  readonly #socket: WebSocket
  readonly #connection: Connection
  readonly #announced: boolean
  readonly #heartbeat: boolean
  readonly #settings: WebSocketSettings
  #bytesRead = UNKNOWN
  /** Bytes that the subscriber may send beyond the limit, until they are used up. */
  #allowance = 0
  /** Bytes of answers that this instance has asked for since the last beat. */
  #askedBytes = 0

  constructor (socket: WebSocket, { announced, heartbeat }: WebSocketRequest, settings: WebSocketSettings) {
    super(encodeWebSocket)
    this.#socket = socket
    this.#connection = connectionOf(socket)
    this.#announced = announced
    this.#heartbeat = heartbeat
    this.#settings = settings
    // At once and not with the next beat: until then pings could accumulate unread answers.
    this.#connection[SUBSCRIBER] = this
    // Ahead of ws, which would answer a chunk full of pings and then end the connection without a close frame.
    this.#connection.prependListener('data', checkFlood)
    // Errors are those of the connection; 'close' follows.
    socket.on('error', ignore)
  }

  override allowAcknowledgement (): void {
    this.#allowance += ACK_BYTES
  }

  override get transport (): 'websocket' {
    return 'websocket'
  }

  get unsentBytes (): number {
    return this.#connection.writableLength
  }

  override get sentBytes (): number {
    return (this.#connection.bytesWritten ?? NaN) - this.unsentBytes
  }

  isOpen (): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  write (bytes: Buffer): void {
    if (this.isOpen()) this.#connection.write(bytes)
  }

  drained (): Promise<void> {
    return drained(this.#connection)
  }

  announce (standing: Standing): boolean {
    if (this.#announced) this.send('subscribed', subscribedText(standing, this.#heartbeat ? this.#settings.pingIntervalMs : undefined))
    return this.#announced
  }

  send (_event: string, text: string): void {
    this.write(encodeTextFrames([text]))
  }

  signal (): void {
    this.write(this.#heartbeat ? HEARTBEAT_FRAMES : PING_FRAME)
  }

  override ping (onAnswer: () => void): Buffer | undefined {
    const ping = numberedPing(this.#socket, onAnswer)
    if (ping !== undefined) this.#askedBytes += NUMBERED_PONG_BYTES
    return ping
  }

  beat (): void {
    const { bytesRead = UNKNOWN } = this.#connection
    // The answer to the last ping would have been received: the peer is dead.
    if (bytesRead === this.#bytesRead && bytesRead !== UNKNOWN) { this.terminate('no sign of life'); return }
    this.#allowance -= Math.max(0, this.#excess)
    this.#bytesRead = bytesRead
    this.#askedBytes = 0
    this.signal()
  }

  /** Ends a connection that has received too much since the last beat. */
  checkFlood (): void {
    if (this.#excess <= this.#allowance || !this.isOpen()) return
    // Further bytes are not read, nor is the end of the connection awaited; pings among the bytes received are not answered.
    this.#socket.pause()
    stopPongs(this.#socket)
    // After ws has processed the bytes: a frame among them may be too large, which ws reports itself.
    setImmediate(() => {
      if (!this.isOpen()) return
      this.#settings.onFlood(this)
      // For a subscriber that is not yet a member of a channel.
      if (this.isOpen()) this.close(Close.POLICY, FLOODED)
    })
  }

  /** Bytes received since the last beat beyond the limit, without answers that were asked for; negative within it. */
  get #excess (): number {
    const { bytesRead = UNKNOWN } = this.#connection
    return bytesRead - Math.max(0, this.#bytesRead) - this.#settings.maxReceivedBytes - this.#askedBytes
  }

  close (code: CloseCode, reason: string): void {
    if (this.isOpen()) this.#settings.onEnd?.(this, reason, code)
    closeWebSocket(this.#socket, code, reason)
  }

  terminate (why = 'ended'): void {
    if (this.isOpen()) this.#settings.onEnd?.(this, why)
    this.#socket.terminate()
  }
}

/** Closes a WebSocket with a code and ends its connection when the peer does not answer in time. */
export function closeWebSocket (socket: WebSocket, code: CloseCode, reason: string, timeoutMs = CLOSE_TIMEOUT_MS): void {
  socket.close(code, reason)
  const deadline = setTimeout(() => { socket.terminate() }, timeoutMs).unref()
  socket.once('close', () => { clearTimeout(deadline) })
}

// One function for all, so that it costs a connection no more than a slot in a list.
function checkFlood (this: Connection): void {
  this[SUBSCRIBER]?.checkFlood()
}

function ignore (): void {}
