import type { FastifyError } from '@fastify/error'
import type { WebSocket } from 'ws'
import { ChannelInvalidError } from '../errors.js'
import { Close, type CloseCode } from '../wire/close.js'
import { closeWebSocket } from './websocket.js'

/** What the status of a refusal over HTTP is on a WebSocket, where a page could not read it. The rest is worth another attempt. */
const CODES: Partial<Record<number, CloseCode>> = {
  400: Close.POLICY,
  401: Close.UNAUTHORIZED,
  403: Close.FORBIDDEN
}

/** Closes a WebSocket because of an error, whose code is the reason. */
export function refuseWebSocket (socket: WebSocket, { code, statusCode = 500 }: Pick<FastifyError, 'code' | 'statusCode'>): void {
  closeWebSocket(socket, CODES[statusCode] ?? Close.TRY_AGAIN, code)
}

/** Answers a WebSocket at a path that is not a channel's. */
export function refusePath (socket: WebSocket): void {
  refuseWebSocket(socket, new ChannelInvalidError(''))
}
