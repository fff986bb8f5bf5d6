import { STATUS_CODES } from 'node:http'
import { createError as createClass, type FastifyError } from '@fastify/error'

/** The body of an answer with an error. */
export interface ErrorBody {
  statusCode: number
  code: string
  error: string | undefined
  message: string
}

/** Makes the body of the answer to a failed request. */
export function errorBody ({ statusCode = 500, code, message }: FastifyError): ErrorBody {
  return { statusCode, code, error: STATUS_CODES[statusCode], message }
}

/**
 * The class of an error that has a code. Its arguments are the parts of its text. An interface of this package: the one of @fastify/error
 * cannot be named in declarations that every kind of module resolution reads.
 */
export interface CodedErrorClass<Parts extends unknown[]> {
  new (...parts: Parts): FastifyError
  (...parts: Parts): FastifyError
  readonly prototype: FastifyError
}

function createError<Parts extends unknown[] = []> (code: string, text: string, statusCode: number): CodedErrorClass<Parts> {
  return createClass<Parts>(code, text, statusCode)
}

// Names and messages

/** The name of a channel breaks the rule for names. */
export const ChannelInvalidError = createError<[string]>(
  'MSG_ERR_CHANNEL_INVALID',
  'Channel %s is invalid: use 1 to 100 of A-Z a-z 0-9 _ . : @ = + ~ - and begin with a letter, a digit or _',
  400
)

/**
 * The name is the one of a file that is served beside the channels, or one that probes and browsers request from every server (404 to
 * these).
 */
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

/**
 * The value given to `publish()` has no JSON form: a cycle, a BigInt, a Map or Set, a `toJSON` that throws, a `RawJson` that is not
 * JSON.
 */
export const MessageInvalidError = createError<[string]>(
  'MSG_ERR_MESSAGE_INVALID',
  'Message cannot be written as JSON: %s',
  400
)

/** The message is longer than `MAX_MESSAGE_BYTES`. */
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

/** The body has a content type other than `application/json`, or a content encoding. */
export const MediaTypeError = createError(
  'MSG_ERR_MEDIA_TYPE',
  'Media type is not supported: send the body as Content-Type: application/json, without a Content-Encoding',
  415
)

/** The body of a batch has none of the two forms, or one of its entries is invalid. */
export const BatchInvalidError = createError<[string]>(
  'MSG_ERR_BATCH_INVALID',
  'Batch is invalid: %s',
  400
)

/** The idempotency key is empty, too long or not printable ASCII. */
export const IdempotencyKeyInvalidError = createError(
  'MSG_ERR_IDEMPOTENCY_KEY_INVALID',
  'Idempotency key is invalid: use 1 to 255 printable ASCII characters',
  400
)

/** `waitMs` of `publish()` is not a number from 1 to 30,000. Over HTTP such a preference is ignored. */
export const WaitInvalidError = createError<[string]>(
  'MSG_ERR_WAIT_INVALID',
  'waitMs must be a number of milliseconds from 1 to 30,000, but is %s',
  400
)

/** The idempotency key was used for another message of the channel within the last 5 minutes. */
export const IdempotencyConflictError = createError(
  'MSG_ERR_IDEMPOTENCY_CONFLICT',
  'Idempotency key was used for another message: use a new key for a new message',
  422
)

/** There is no memory for another idempotency key; a key that is forgotten early could deliver a message twice. */
export const IdempotencyFullError = createError(
  'MSG_ERR_IDEMPOTENCY_FULL',
  'Too many idempotency keys are remembered at the moment: try again later, or publish without a key',
  503
)

// Subscriptions

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

// Authentication and authorization

/** A publisher has sent no bearer token, or a malformed `Authorization` header. */
export const TokenMissingError = createError(
  'MSG_ERR_TOKEN_MISSING',
  'Bearer token is missing or malformed: send Authorization: Bearer <token>',
  401
)

/** The bearer token of a publisher is not accepted. */
export const TokenInvalidError = createError(
  'MSG_ERR_TOKEN_INVALID',
  'Bearer token is not accepted: use one of the tokens that the service was given (BEARER_TOKEN)',
  403
)

/** A subscription needs a token and has none. */
export const TokenRequiredError = createError(
  'MSG_ERR_TOKEN_REQUIRED',
  'A token is required: send it as Authorization: Bearer <token>, as WebSocket subprotocol token.<token> beside messenger, or as ?token=',
  401
)

/** The token of a subscriber is malformed, forged, of another issuer or audience, or not valid yet. */
export const TokenRefusedError = createError<[string]>(
  'MSG_ERR_TOKEN_REFUSED',
  'The token is refused (%s): get another one',
  401
)

/** The token of a subscriber has expired. */
export const TokenExpiredError = createError(
  'MSG_ERR_TOKEN_EXPIRED',
  'The token has expired: get a fresh one',
  401
)

/** The token of a subscriber was revoked. */
export const TokenRevokedError = createError(
  'MSG_ERR_TOKEN_REVOKED',
  'The token was revoked: get a fresh one',
  401
)

/** The token, or the host, does not allow this action on the channel. */
export const ChannelForbiddenError = createError<[string, string]>(
  'MSG_ERR_CHANNEL_FORBIDDEN',
  'Not allowed to %s channel %s: ask for a token that covers it',
  403
)

/** The request is for a host that is not one of this service: a page may have its own name resolve to it. */
export const HostForbiddenError = createError<[string]>(
  'MSG_ERR_HOST_FORBIDDEN',
  'Host %s is not one of this service: add it to ALLOWED_HOSTS',
  403
)

/** A page of this origin may neither subscribe nor publish. */
export const OriginForbiddenError = createError<[string]>(
  'MSG_ERR_ORIGIN_FORBIDDEN',
  'Pages of origin %s are not allowed: add it to ALLOWED_ORIGINS',
  403
)

/** The right could not be checked: the key set cannot be fetched, or `authorize` takes too long. */
export const AuthorizationUnavailableError = createError<[string]>(
  'MSG_ERR_AUTHORIZATION_UNAVAILABLE',
  'The right to do this could not be checked (%s): try again later',
  503
)

/** The body of `POST /-/tokens` or `POST /-/revocations` is invalid. */
export const GrantInvalidError = createError<[string]>(
  'MSG_ERR_GRANT_INVALID',
  'The request is invalid: %s',
  400
)

/** This service verifies tokens and has no secret to sign them with. */
export const MintingUnavailableError = createError(
  'MSG_ERR_MINTING_UNAVAILABLE',
  'This service cannot issue tokens: set TOKEN_SECRET, or issue them where the private key is',
  501
)

/** 100,000 revocations are remembered; none is forgotten early. */
export const RevocationsFullError = createError(
  'MSG_ERR_REVOCATIONS_FULL',
  'Too many revocations are remembered: give exp with each, lower TOKEN_MAX_TTL, or change the secret',
  503
)

// Limits

/** An address or a publisher asks too often; `Retry-After` says when to ask again. */
export class RateLimitedError extends createError<[string]>('MSG_ERR_RATE_LIMITED', 'Too many requests: %s', 429) {
  /** @param retryAfter seconds until the next attempt may succeed */
  constructor (what: string, readonly retryAfter: number) {
    super(what)
  }
}

/** The address has `MAX_CONNECTIONS_PER_ADDRESS` connections. */
export const AddressFullError = createError<[number]>(
  'MSG_ERR_ADDRESS_FULL',
  'This address has %d connections, the maximum (MAX_CONNECTIONS_PER_ADDRESS); behind a proxy set TRUST_PROXY',
  429
)

/**
 * The instance has as many connections (`MAX_CONNECTIONS`), subscriptions (`MAX_SUBSCRIPTIONS`, `MAX_SUBSCRIPTIONS_PER_ADDRESS`),
 * occupied channels (`MAX_CHANNELS`) or bytes in flight (`MAX_BYTES_IN_FLIGHT`) as it may have, or the connection as many channels
 * (`MAX_CHANNELS_PER_CONNECTION`).
 */
export const FullError = createError<[string]>(
  'MSG_ERR_FULL',
  'This instance is full (%s): try again later',
  503
)

/** The header section is longer than `MAX_HEADER_BYTES`. */
export const HeadersTooLargeError = createError(
  'MSG_ERR_HEADERS_TOO_LARGE',
  'Headers are too large: send fewer or shorter ones (MAX_HEADER_BYTES)',
  431
)

/** The request was incomplete after `REQUEST_TIMEOUT`. */
export const RequestTimeoutError = createError(
  'MSG_ERR_REQUEST_TIMEOUT',
  'The request took too long to arrive: send it faster, or in parts (REQUEST_TIMEOUT)',
  408
)

/** The URL is longer than `MAX_URL_BYTES`. */
export const UrlTooLongError = createError<[number]>(
  'MSG_ERR_URL_TOO_LONG',
  'URL is too long: at most %d bytes are accepted (MAX_URL_BYTES)',
  414
)

// HTTP

/** The bytes received are no HTTP request. */
export const RequestInvalidError = createError(
  'MSG_ERR_REQUEST_INVALID',
  'The request is not valid HTTP',
  400
)

/** The handshake of a WebSocket is malformed or not of version 13 (RFC 6455). */
export const UpgradeInvalidError = createError<[string]>(
  'MSG_ERR_UPGRADE_INVALID',
  'The request to upgrade is invalid (%s): use version 13 of the WebSocket protocol (RFC 6455)',
  426
)

/** The URL cannot be decoded. */
export const UrlInvalidError = createError(
  'MSG_ERR_URL_INVALID',
  'URL is invalid: percent-encode it as UTF-8, and keep it short',
  400
)

/** There is nothing at this method and path. */
export const NotFoundError = createError<[string, string]>(
  'MSG_ERR_NOT_FOUND',
  'There is no route for %s %s: publish with POST /send/:channel, subscribe with GET /:channel',
  404
)

/** The path does not have this method; `Allow` lists the ones it has. */
export const MethodNotAllowedError = createError<[string, string]>(
  'MSG_ERR_METHOD_NOT_ALLOWED',
  'Method %s is not allowed here, only %s: publish with POST /send/:channel, subscribe with GET /:channel',
  405
)

// The service

/**
 * Redis cannot be reached or has refused the command. It is unknown whether a message was kept. In process the `cause` is the error of
 * the Redis client, which may name addresses; the answer over HTTP has its code alone.
 */
export const EngineUnavailableError = createError<[string, { cause: unknown }?]>(
  'MSG_ERR_ENGINE_UNAVAILABLE',
  'The message could not be stored or read (%s): try again later, with the same idempotency key',
  503
)

/** The messenger is closing or closed; nothing was published. */
export const ClosedError = createError(
  'MSG_ERR_CLOSED',
  'The messenger is closed: publish through another instance or try again later',
  503
)

/** An option or variable has a value that its rule does not allow; the start ends with the message. */
export const ConfigInvalidError = createError<[string]>(
  'MSG_ERR_CONFIG_INVALID',
  '%s',
  500
)

/** Something unforeseen; the log of the service has the details. */
export const InternalError = createError(
  'MSG_ERR_INTERNAL',
  'The request failed: the log of the service has the reason',
  500
)
