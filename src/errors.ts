import { STATUS_CODES } from 'node:http'
import createError, { type FastifyError } from '@fastify/error'

export * from './access/errors.js'
export * from './limits/errors.js'

/** An error as it stands in an answer. */
export interface ErrorBody {
  statusCode: number
  code: string
  error: string | undefined
  message: string
}

/** The body of the answer to a request that failed. */
export function errorBody ({ statusCode = 500, code, message }: FastifyError): ErrorBody {
  return { statusCode, code, error: STATUS_CODES[statusCode], message }
}

/** The name of a channel breaks the rule of `channels/name.ts`. */
export const ChannelInvalidError = createError<[string]>(
  'MSG_ERR_CHANNEL_INVALID',
  'Channel %s is invalid: use 1 to 100 of A-Z a-z 0-9 _ . : @ = + ~ - and begin with a letter, a digit or _',
  400
)

/** The name belongs to a file that is served beside the channels, or is one that probes and browsers ask every server for. */
export const ChannelReservedError = createError<[string, string]>(
  'MSG_ERR_CHANNEL_RESERVED',
  'Channel %s is reserved for %s',
  400
)

/** `message` is absent, `null` or `""`. */
export const MessageMissingError = createError(
  'MSG_ERR_MESSAGE_MISSING',
  'Message is missing: send {"message": …} with any JSON value but null and ""',
  400
)

/** The value given to `publish()` has no JSON form (a cycle, a BigInt, a toJSON that throws). */
export const MessageInvalidError = createError<[string]>(
  'MSG_ERR_MESSAGE_INVALID',
  'Message cannot be written as JSON: %s',
  400
)

/** The message is longer than `maxMessageBytes`. */
export const MessageTooLargeError = createError<[number]>(
  'MSG_ERR_MESSAGE_TOO_LARGE',
  'Message is too large: at most %d bytes of JSON are accepted (MAX_MESSAGE_BYTES)',
  413
)

/** The body is not a JSON object in UTF-8. */
export const BodyInvalidError = createError<[string]>(
  'MSG_ERR_BODY_INVALID',
  'Body is invalid: %s',
  400
)

/** The body has another content type than `application/json`, or a content encoding. */
export const MediaTypeError = createError(
  'MSG_ERR_MEDIA_TYPE',
  'Media type is not supported: send the body as Content-Type: application/json, without a Content-Encoding',
  415
)

/** No bearer token, or an `Authorization` header that is not one. */
export const TokenMissingError = createError(
  'MSG_ERR_TOKEN_MISSING',
  'Bearer token is missing or malformed: send Authorization: Bearer <token>',
  401
)

/** A bearer token that is none of the configured ones. */
export const TokenInvalidError = createError(
  'MSG_ERR_TOKEN_INVALID',
  'Bearer token is not accepted: use one of the tokens that the service was given (BEARER_TOKEN)',
  403
)

/** What came is not a request that HTTP knows. */
export const RequestInvalidError = createError(
  'MSG_ERR_REQUEST_INVALID',
  'The request is not HTTP that can be read',
  400
)

/** A request to upgrade to a WebSocket is not what RFC 6455 has it be. */
export const UpgradeInvalidError = createError<[string]>(
  'MSG_ERR_UPGRADE_INVALID',
  'The request to upgrade is invalid (%s): use version 13 of the WebSocket protocol (RFC 6455)',
  426
)

/** There is nothing at this method and path. */
export const NotFoundError = createError<[string, string]>(
  'MSG_ERR_NOT_FOUND',
  'Nothing is at %s %s: publish with POST /send/:channel, subscribe with GET /:channel',
  404
)

/** What is at this path is not asked for by this method. */
export const MethodNotAllowedError = createError<[string, string]>(
  'MSG_ERR_METHOD_NOT_ALLOWED',
  'Method %s is not possible here, but %s: publish with POST /send/:channel, subscribe with GET /:channel',
  405
)

/** The URL cannot be decoded. */
export const UrlInvalidError = createError(
  'MSG_ERR_URL_INVALID',
  'URL is invalid: percent-encode it as UTF-8, and keep it short',
  400
)

/** The messenger is closing or closed; nothing was published. */
export const ClosedError = createError(
  'MSG_ERR_CLOSED',
  'The messenger is closed: publish through another instance or try again later',
  503
)

/** An option or environment variable has a value that its rule does not allow. */
export const ConfigInvalidError = createError<[string]>(
  'MSG_ERR_CONFIG_INVALID',
  '%s',
  500
)

/** Something unforeseen; the log of the service says what. */
export const InternalError = createError(
  'MSG_ERR_INTERNAL',
  'The request failed for a reason that the log of the service tells',
  500
)

/** `since` or `Last-Event-ID` is not an id. */
export const SinceInvalidError = createError<[string]>(
  'MSG_ERR_SINCE_INVALID',
  'Position %s is invalid: use the id of a message, earliest or now',
  400
)

/** A query parameter has a value that its rule does not allow. */
export const QueryInvalidError = createError<[string]>(
  'MSG_ERR_QUERY_INVALID',
  'Query is invalid: %s',
  400
)

/** The idempotency key is empty, too long or not printable ASCII. */
export const IdempotencyKeyInvalidError = createError(
  'MSG_ERR_IDEMPOTENCY_KEY_INVALID',
  'Idempotency key is invalid: use 1 to 255 printable ASCII characters',
  400
)

/** The idempotency key was used for another message of the channel within the last 5 minutes. */
export const IdempotencyConflictError = createError(
  'MSG_ERR_IDEMPOTENCY_CONFLICT',
  'Idempotency key was used for another message: use a new key for a new message',
  422
)

/** There is no memory for another idempotency key; forgetting one early could deliver a message twice. */
export const IdempotencyFullError = createError(
  'MSG_ERR_IDEMPOTENCY_FULL',
  'Too many idempotency keys are remembered at the moment: try again later, or publish without a key',
  503
)

/** The body of a batch is none of the two forms. */
export const BatchInvalidError = createError<[string]>(
  'MSG_ERR_BATCH_INVALID',
  'Batch is invalid: %s',
  400
)

/**
 * Redis cannot be reached or refused the command; whether a message was kept is not known, and it is not said that it was. In process
 * its `cause` is the error of the Redis client, which may name addresses; the answer over HTTP has the code of it alone.
 */
export const EngineUnavailableError = createError<[string, { cause: unknown }?]>(
  'MSG_ERR_ENGINE_UNAVAILABLE',
  'The message could not be stored or read (%s): try again later, with the same idempotency key',
  503
)
