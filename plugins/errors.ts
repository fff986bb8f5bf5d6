import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import fp from 'fastify-plugin'
import * as errors from '../src/errors.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'

/** What is read of a body that was refused, as much as the largest batch has by default. A whole batch may be refused for its token. */
const MAX_DISCARDED_BYTES = 16 * 1024 ** 2

/** Options of this plugin. */
export interface ErrorsPluginOptions {
  /** Where messages that are too large are counted. */
  counters: LimitCounters
}

/** Gives the scope's errors the codes of this package. What is not its own goes to the error handler of the host. */
export default fp<ErrorsPluginOptions>(async (fastify, { counters }) => {
  fastify.setErrorHandler<FastifyError>((error, request, reply) => {
    const own = translate(error, request)
    if (own === undefined) throw error
    if (own.code === 'MSG_ERR_MESSAGE_TOO_LARGE') counters.hit('maxMessageBytes')
    return sendError(own, reply)
  })
}, { name: 'messenger-errors', fastify: '5.x' })

/** Answers with an error in the form that every error of this package has. */
export function sendError (error: FastifyError, reply: FastifyReply): FastifyReply {
  const body = errors.errorBody(error)
  reply.header('x-content-type-options', 'nosniff')
  if (body.statusCode === 401) reply.header('www-authenticate', 'Bearer')
  if (body.statusCode === 503 || body.statusCode === 429) reply.header('retry-after', String((error as Partial<errors.RateLimitedError>).retryAfter ?? 1))
  if (hasBody(reply.request)) discardBody(reply)
  return reply.code(body.statusCode).send(body)
}

function hasBody ({ headers }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

/**
 * Fastify closes the connection behind a body that was refused; the reset overtakes the answer where more of the body is on the way.
 * What is still to come is read and thrown away instead, and the publisher keeps its connection, but not without end.
 */
function discardBody (reply: FastifyReply): void {
  const { headers, raw } = reply.request
  if (Number(headers['content-length'] ?? 0) > MAX_DISCARDED_BYTES) { reply.header('connection', 'close'); return }
  // What stands in the response itself is said of every request, because the server closes.
  if (!reply.raw.hasHeader('connection')) reply.removeHeader('connection')
  let left = MAX_DISCARDED_BYTES
  raw.on('data', ({ length }: Buffer) => {
    left -= length
    if (left < 0) raw.destroy()
  })
}

/** What is said of a body that breaks the schema of a route for tokens. */
export function grantInvalid (violations: FastifySchemaValidationError[]): FastifyError {
  const [{ instancePath, message }] = violations as [FastifySchemaValidationError]
  return new errors.GrantInvalidError([instancePath.slice(1), String(message).toLowerCase()].filter(Boolean).join(': '))
}

/** The error of this package that stands for one of Fastify or its plugins. */
function translate (error: FastifyError, request: FastifyRequest): FastifyError | undefined {
  switch (error.code) {
    case 'FST_BEARER_AUTH_MISSING_AUTHORIZATION_HEADER':
    case 'FST_BEARER_AUTH_INVALID_AUTHORIZATION_HEADER':
      return new errors.TokenMissingError()
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new errors.MediaTypeError()
    case 'FST_ERR_VALIDATION':
      return invalid(error, request)
    default:
      // What is not Fastify's may have no code.
      return (error as Partial<FastifyError>).code?.startsWith('MSG_ERR_') === true ? error : undefined
  }
}

function invalid (error: FastifyError, request: FastifyRequest): FastifyError {
  if (error.validationContext === 'params') return new errors.ChannelInvalidError(JSON.stringify(Object.values(request.params as object)[0]))
  if (!isObject(request.body)) return new errors.BodyInvalidError('send a JSON object, {"message": …}')
  const [{ instancePath, message }] = error.validation as [FastifySchemaValidationError]
  if (instancePath === '/message') return new errors.MessageMissingError()
  return new errors.BatchInvalidError(`${instancePath.slice(1)}: ${String(message).toLowerCase()}`)
}

function isObject (body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
