import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from '@fastify/error'
import { errorBody, HeadersTooLargeError, RequestInvalidError, RequestTimeoutError } from '../src/errors.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'

/** The connection, and the answer that is being given on it. */
type Connection = Socket & { readonly _httpMessage?: ServerResponse | null }

/** Answers what is no request, or none that came whole, in the form that every error has, and ends the connection. */
export function answerClientError ({ code }: { code?: string }, socket: Connection, counters: LimitCounters): void {
  const body = errorBody(errorOf(code, counters))
  // The other side is gone, or in the middle of another answer.
  if (!socket.writable || socket._httpMessage?.headersSent === true) { socket.destroy(); return }
  const text = JSON.stringify(body)
  socket.write([
    `HTTP/1.1 ${body.statusCode} ${body.error}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
    '',
    text
  ].join('\r\n'))
  socket.destroySoon()
}

function errorOf (code: string | undefined, counters: LimitCounters): FastifyError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    counters.hit('maxHeaderBytes')
    return new HeadersTooLargeError()
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    counters.hit('requestTimeoutMs')
    return new RequestTimeoutError()
  }
  return new RequestInvalidError()
}
