import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from '@fastify/error'
import { HeadersTooLargeError, RequestInvalidError, RequestTimeoutError } from '../src/errors.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'
import { answerRaw } from './raw-answer.js'

/** The connection, and the answer that is being given on it. */
type Connection = Socket & { readonly _httpMessage?: ServerResponse | null }

/** Connections that wait to be told: what else comes on them is an error as well. */
const waiting = new WeakSet<Connection>()

/** Answers what is no request, or none that came whole, in the form that every error has, and ends the connection. */
export function answerClientError ({ code }: { code?: string }, socket: Connection, counters: LimitCounters): void {
  if (waiting.has(socket)) return
  waiting.add(socket)
  answerInTurn(errorOf(code, counters), socket)
}

function answerInTurn (error: FastifyError, socket: Connection): void {
  const current = socket._httpMessage
  // The other side is gone, or the last answer was to end the connection.
  if (!socket.writable) { socket.destroySoon(); return }
  if (!current) { answerRaw(socket, error); return }
  if (current.req.complete && isFinite(current)) {
    // It answers an earlier request, whose client would take this for it.
    current.once('finish', () => { answerInTurn(error, socket) })
  } else if (current.headersSent) {
    socket.destroy()
  } else {
    answerRaw(socket, error)
  }
}

/** Whether an answer has an end that can be waited for, as no stream has. */
function isFinite (response: ServerResponse): boolean {
  return !response.headersSent || response.writableEnded || response.hasHeader('content-length')
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
