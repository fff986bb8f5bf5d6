import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from '@fastify/error'
import { HeadersTooLargeError, RequestInvalidError, RequestTimeoutError } from '../errors.js'
import type { LimitCounters } from '../limits/limit-counters.js'
import { currentResponse } from './internals.js'
import { answerRaw } from './raw-answer.js'

/** Connections that wait for their error: further bytes on them are errors as well. */
const waiting = new WeakSet<Socket>()

/** Answers bytes that are no request, or an incomplete one, with an error body, and ends the connection. */
export function answerClientError ({ code }: { code?: string }, socket: Socket, counters: LimitCounters): void {
  if (waiting.has(socket)) return
  waiting.add(socket)
  answerInTurn(errorOf(code, counters), socket)
}

function answerInTurn (error: FastifyError, socket: Socket): void {
  const current = currentResponse(socket)
  // The client is gone, or the last response ended the connection.
  if (!socket.writable) { socket.destroySoon(); return }
  if (current === undefined) { answerRaw(socket, error); return }
  if (current.req.complete && isFinite(current)) {
    // It belongs to an earlier request, for whose answer the client would take the error.
    current.once('finish', () => { answerInTurn(error, socket) })
  } else if (current.headersSent) {
    socket.destroy()
  } else {
    answerRaw(socket, error)
  }
}

/** Whether a response ends by itself, as no stream does. */
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
