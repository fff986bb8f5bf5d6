import http, { type Server, type ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex, Writable } from 'node:stream'
import type { WebSocket } from 'ws'

/*
 * All undocumented parts of Node's HTTP (20 to 26) and of ws (8) on which this package relies. Other files use functions of this
 * one, so that it alone has to be compared with a new version of either.
 */

interface PrivateHttp {
  /** The listener of an HTTP/1.1 server for a new connection, with the server as `this`. */
  readonly _connectionListener: (this: Server, connection: Socket) => void
}

interface PrivateConnection {
  readonly server: Server
  /** The response that is being written on the connection. */
  readonly _httpMessage?: ServerResponse | null
}

interface PrivateWebSocket {
  readonly _socket: WebSocketConnection
  readonly _receiver: Writable
  _autoPong: boolean
}

/** The stream under a WebSocket; on a TCP connection it also counts bytes. */
export type WebSocketConnection = Duplex & { readonly bytesRead?: number, readonly bytesWritten?: number }

/** The response that is being written on a connection of a server. */
export function currentResponse (connection: Duplex): ServerResponse | undefined {
  return (connection as Duplex & Partial<PrivateConnection>)._httpMessage ?? undefined
}

/** The server that has accepted a connection. */
export function serverOf (connection: Socket): Server {
  return (connection as Socket & PrivateConnection).server
}

/**
 * Makes the server of a connection read the next request from it, as if it had just been accepted. The event `connection` is not
 * emitted again: listeners of the host, which may count connections, have had it.
 */
export function acceptAgain (connection: Socket): void {
  (http as unknown as PrivateHttp)._connectionListener.call(serverOf(connection), connection)
}

/** Attaches a response to a connection that Node has detached because of an upgrade. */
export function attachResponse (response: ServerResponse, connection: Duplex): void {
  // Typed for TCP alone; an injected request has another stream.
  response.assignSocket(connection as Socket)
}

/** Detaches a response, which would otherwise keep the request in memory as long as the connection. */
export function detachResponse (response: ServerResponse, connection: Duplex): void {
  response.detachSocket(connection as Socket)
}

/** Adds a listener for the moment at which a queued response gets its connection: all responses before it are complete. */
export function onceAttached (response: ServerResponse, listener: () => void): void {
  response.once('socket', listener)
}

export function offAttached (response: ServerResponse, listener: () => void): void {
  response.off('socket', listener)
}

/** Ends a queued response whose connection is closed: Node does not notify a response without a connection. */
export function endQueued (response: ServerResponse): void {
  response.destroy()
  response.emit('close')
}

/** The stream to which ws writes its frames, each in one piece. */
export function connectionOf (webSocket: WebSocket): WebSocketConnection {
  return (webSocket as unknown as PrivateWebSocket)._socket
}

/**
 * Makes the second and third end of a stream of a WebSocket a step without effect. When a connection closes, ws ends the streams
 * that it has ended before, and Node creates an error for each, with a stack trace that no one receives: a seventh of the cost of
 * a connection.
 */
export function endOnce (webSocket: WebSocket): void {
  const { _socket: socket, _receiver: receiver } = webSocket as unknown as PrivateWebSocket
  for (const stream of [socket, receiver]) Object.assign(stream, { end: endUnlessEnded })
}

function endUnlessEnded (this: Writable, ...values: unknown[]): Writable {
  if (this.writableEnded || this.destroyed) return this
  const { end } = Object.getPrototypeOf(this) as { end: (...values: unknown[]) => Writable }
  return end.apply(this, values)
}

/** Stops the answers to pings. */
export function stopPongs (webSocket: WebSocket): void {
  (webSocket as unknown as PrivateWebSocket)._autoPong = false
}

/** Milliseconds without traffic after which a session of HTTP/2 ends. */
export function timeoutOf (session: Http2Session): number {
  return (session as { timeout?: number }).timeout ?? 0
}
