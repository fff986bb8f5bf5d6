import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import { errorBody, GrantInvalidError, QueryInvalidError, type RateLimitedError } from '../errors.js'

/** Maximum number of bytes read from a refused body: the largest batch by default, which may be refused for its token. */
const MAX_DISCARDED_BYTES = 16 * 1024 ** 2

/** Whether an error is one of this package. Other errors may have no code. */
export function isOwnError (error: unknown): error is FastifyError {
  return (error as Partial<FastifyError> | undefined)?.code?.startsWith('MSG_ERR_') === true
}

/** Answers with the error body of this package. */
export function sendError (error: FastifyError, reply: FastifyReply): FastifyReply {
  const body = errorBody(error)
  reply.header('x-content-type-options', 'nosniff')
  if (body.statusCode === 401) reply.header('www-authenticate', 'Bearer')
  if (body.statusCode === 503 || body.statusCode === 429)
    reply.header('retry-after', String((error as Partial<RateLimitedError>).retryAfter ?? 1))
  if (hasBody(reply.request)) discardBody(reply)
  return reply.code(body.statusCode).send(body)
}

function hasBody ({ headers }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

/**
 * Fastify closes the connection after a refused body; while more of the body is in flight, the reset overtakes the answer.
 * The rest of the body is read and discarded instead, up to a limit, and the publisher keeps its connection.
 */
function discardBody (reply: FastifyReply): void {
  const { headers, raw } = reply.request
  if (Number(headers['content-length'] ?? 0) > MAX_DISCARDED_BYTES) { reply.header('connection', 'close'); return }
  // While the server closes, Fastify sets the header of the raw response: then it stays.
  if (!reply.raw.hasHeader('connection')) reply.removeHeader('connection')
  let left = MAX_DISCARDED_BYTES
  raw.on('data', ({ length }: Buffer) => {
    left -= length
    if (left < 0) raw.destroy()
  })
}

/** The error for a body that violates the schema of a route for tokens. */
export function grantInvalid (violations: FastifySchemaValidationError[]): FastifyError {
  return new GrantInvalidError(explain(violations))
}

/** The error for a query that violates the schema of a route. */
export function queryInvalid (violations: FastifySchemaValidationError[]): FastifyError {
  return new QueryInvalidError(explain(violations))
}

function explain (violations: FastifySchemaValidationError[]): string {
  const [{ instancePath, message }] = violations as [FastifySchemaValidationError]
  return [instancePath.slice(1), String(message).toLowerCase()].filter(Boolean).join(': ')
}
