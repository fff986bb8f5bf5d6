import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Headers that Node keeps of a request unless the server says otherwise. */
const MAX_HEADERS = 1_000

/** A connection of an HTTP server, and the answer that is being given on it. */
export type Connection = Socket & { readonly server: Server, readonly encrypted?: boolean, readonly _httpMessage?: ServerResponse | null }

/** Says whether a request to upgrade is one that leads to a WebSocket (RFC 6455, section 4.2.1). */
export function isWebSocketUpgrade ({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion !== '1.0' && headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Has a request answered as if it did not ask for an upgrade, which a server may, and of HTTP/1.0 must, ignore (RFC 9110, section
 * 7.8): `curl --http2` and Java's client ask for h2c with any first request. Node hands every upgrade over and takes none back,
 * so that the connection begins once more, with the same request but without the header.
 */
export function ignoreUpgrade (request: IncomingMessage, socket: Connection, body: Buffer): void {
  // Node has taken off all of its own.
  socket.on('error', ignore)
  restart(request, socket, body)
}

function restart (request: IncomingMessage, socket: Connection, body: Buffer): void {
  // Answers to requests before this one go first; Node would not know of them any more.
  if (socket._httpMessage) {
    socket._httpMessage.once('finish', () => { restart(request, socket, body) })
    return
  }
  // The last answer has ended it.
  if (!socket.writable) return
  // What is not there cannot be repeated, and the length of the body may be among it.
  if (request.rawHeaders.length >= 2 * (socket.server.maxHeadersCount || MAX_HEADERS)) {
    socket.server.emit('clientError', Object.assign(new Error('Too many headers'), { code: 'HPE_HEADER_OVERFLOW' }), socket)
    return
  }
  socket.off('error', ignore)
  // That of a connection that waits for a request.
  socket.setTimeout(0)
  socket.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), body]))
  socket.server.emit(socket.encrypted === true ? 'secureConnection' : 'connection', socket)
}

/** The head of a request without what asks for an upgrade, no longer than it was. */
function headOf ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = rawHeaders.slice(at, at + 2) as [string, string]
    switch (name.toLowerCase()) {
      case 'upgrade': break
      case 'connection': lines.push(`${name}:${value.split(',').filter((option) => option.trim().toLowerCase() !== 'upgrade').join()}`); break
      default: lines.push(`${name}:${value}`)
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

function ignore (): void {}
