import type { Duplex } from 'node:stream'
import type { FastifyError } from '@fastify/error'
import { errorBody } from '../errors.js'

/** Answers with an error body on a connection without a response, and ends the connection. */
export function answerRaw (connection: Duplex, error: FastifyError, headers: readonly string[] = ['Connection: close']): void {
  const body = errorBody(error)
  const text = JSON.stringify(body)
  connection.once('finish', () => { connection.destroy() })
  connection.end([
    `HTTP/1.1 ${body.statusCode} ${body.error}`,
    'Content-Type: application/json; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...headers,
    '',
    text
  ].join('\r\n'))
}
