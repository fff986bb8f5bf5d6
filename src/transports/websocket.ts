import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { type Standing, standingText, Subscriber } from '../channels/subscriber.js'
import { Close, type CloseCode } from '../wire/close.js'
import { encodeTextFrames, encodeWebSocket, HEARTBEAT_FRAMES, PING_FRAME } from '../wire/websocket.js'
import { drained } from './drained.js'

/** How long the other side may take to answer a close before the connection is ended. */
const CLOSE_TIMEOUT_MS = 5_000
/** What a subscriber may send from one beat to the next. It is read and thrown away. */
const MAX_RECEIVED_BYTES = 65_536
const UNKNOWN = -1

/** The stream under a WebSocket; on a TCP connection it also counts what was received. */
type Connection = Duplex & { readonly bytesRead?: number }

/**
 * A subscriber on a WebSocket. Messages are written as finished frames to the stream under it, past `ws`: one buffer for
 * all subscribers instead of one a socket. `ws` keeps the protocol: it writes each of its own frames in one piece, so that
 * frames never mix, and nothing is written here unless the WebSocket is open, so that nothing follows a close frame.
 */
export class WebSocketSubscriber extends Subscriber {
  readonly #socket: WebSocket
  readonly #connection: Connection
  readonly #announced: boolean
  readonly #heartbeatMs: number | undefined
  #bytesRead = UNKNOWN

  /**
   * @param announced whether the client asked for events; a plain WebSocket gets nothing but messages
   * @param heartbeatMs told to a client that asked for heartbeats; it gets them as empty text frames, because a browser's
   *   script sees no pings
   */
  constructor (socket: WebSocket, announced: boolean, heartbeatMs: number | undefined) {
    super(encodeWebSocket)
    this.#socket = socket
    this.#connection = (socket as unknown as { _socket: Connection })._socket
    this.#announced = announced
    this.#heartbeatMs = heartbeatMs
  }

  get unsentBytes (): number {
    return this.#connection.writableLength
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
    if (this.#announced) this.write(encodeTextFrames([standingText(standing, this.#heartbeatMs)]))
    return this.#announced
  }

  beat (): void {
    const { bytesRead = UNKNOWN } = this.#connection
    // The answer to the last ping would have been received: nobody is there any more.
    if (bytesRead === this.#bytesRead && bytesRead !== UNKNOWN) { this.terminate(); return }
    if (this.#bytesRead !== UNKNOWN && bytesRead - this.#bytesRead > MAX_RECEIVED_BYTES) { this.close(Close.POLICY, 'sends too much'); return }
    this.#bytesRead = bytesRead
    this.write(this.#heartbeatMs === undefined ? PING_FRAME : HEARTBEAT_FRAMES)
  }

  close (code: CloseCode, reason: string): void {
    closeWebSocket(this.#socket, code, reason)
  }

  terminate (): void {
    this.#socket.terminate()
  }
}

/** Closes a WebSocket with a code and ends its connection when the other side does not answer in time. */
export function closeWebSocket (socket: WebSocket, code: CloseCode, reason: string, timeoutMs = CLOSE_TIMEOUT_MS): void {
  socket.close(code, reason)
  const deadline = setTimeout(() => { socket.terminate() }, timeoutMs).unref()
  socket.once('close', () => { clearTimeout(deadline) })
}
