import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { acceptAgain, currentResponse, serverOf } from './internals.js'

/** Node's default number of headers of a request. */
const MAX_HEADERS = 1_000

/** Whether a request is for an upgrade to a WebSocket (RFC 6455, section 4.2.1). */
export function isWebSocketUpgrade ({ method, httpVersion, headers }: IncomingMessage): boolean {
  return method === 'GET' && httpVersion !== '1.0' && headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Answers a request without its upgrade, which a server may, and for HTTP/1.0 must, ignore (RFC 9110, section 7.8): `curl --http2`
 * and Java's client request h2c with the first request. Node detaches the connection of every upgrade and takes none back;
 * therefore the connection starts again, with the same request but without the header.
 */
export function ignoreUpgrade (request: IncomingMessage, socket: Socket, body: Buffer): void {
  // Node has removed all of its own listeners.
  socket.on('error', ignore)
  restart(request, socket, body)
}

function restart (request: IncomingMessage, socket: Socket, body: Buffer): void {
  // Earlier responses go first; Node would lose track of them.
  const current = currentResponse(socket)
  if (current !== undefined) {
    current.once('finish', () => { restart(request, socket, body) })
    return
  }
  // The last response has ended the connection.
  if (!socket.writable) return
  // Headers beyond the limit were dropped and cannot be repeated; the length of the body may be among them.
  if (request.rawHeaders.length >= 2 * (serverOf(socket).maxHeadersCount || MAX_HEADERS)) {
    serverOf(socket).emit('clientError', Object.assign(new Error('Too many headers'), { code: 'HPE_HEADER_OVERFLOW' }), socket)
    return
  }
  socket.off('error', ignore)
  // The timeout of a connection that waits for a request.
  socket.setTimeout(0)
  socket.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), body]))
  acceptAgain(socket)
}

/** The head of a request without the headers of the upgrade, no longer than before. */
function headOf ({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = rawHeaders.slice(at, at + 2) as [string, string]
    switch (name.toLowerCase()) {
      case 'upgrade': break
      case 'connection':
        lines.push(`${name}:${value.split(',').filter((option) => option.trim().toLowerCase() !== 'upgrade').join()}`)
        break
      default: lines.push(`${name}:${value}`)
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

function ignore (): void {}
