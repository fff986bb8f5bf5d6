import type { FastifyError, FastifyRequest } from 'fastify'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import fp from 'fastify-plugin'
import * as errors from '../src/errors.js'
import { isOwnError, sendError } from '../src/http/error-reply.js'
import { networkOf } from '../src/limits/address.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'

/** Options of this plugin. */
export interface ErrorsPluginOptions {
  /** Counts messages that are too large. */
  counters: LimitCounters
}

/** Gives the scope's errors the codes of this package. Errors of others go to the error handler of the host. */
export default fp<ErrorsPluginOptions>(async (fastify, { counters }) => {
  fastify.setErrorHandler<FastifyError>((error, request, reply) => {
    const own = translate(error, request)
    if (own === undefined) throw error
    if (own.code === 'MSG_ERR_MESSAGE_TOO_LARGE') counters.hit('maxMessageBytes')
    fastify.journal.refused(own.code, networkOf(request.ip))
    return sendError(own, reply)
  })
}, { name: 'messenger-errors', dependencies: ['messenger-journal'], fastify: '5.x' })

/** The error of this package that replaces one of Fastify or its plugins. */
function translate (error: FastifyError, request: FastifyRequest): FastifyError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new errors.MediaTypeError()
    case 'FST_ERR_VALIDATION':
      return invalid(error, request)
    default:
      return isOwnError(error) ? error : undefined
  }
}

function invalid (error: FastifyError, request: FastifyRequest): FastifyError {
  if (error.validationContext === 'params')
    return new errors.ChannelInvalidError(JSON.stringify(Object.values(request.params as object)[0]))
  if (!isObject(request.body)) return new errors.BodyInvalidError('send a JSON object, {"message": …}')
  const [{ instancePath, message }] = error.validation as [FastifySchemaValidationError]
  if (instancePath === '/message') return new errors.MessageMissingError()
  return new errors.BatchInvalidError(`${instancePath.slice(1)}: ${String(message).toLowerCase()}`)
}

function isObject (body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
