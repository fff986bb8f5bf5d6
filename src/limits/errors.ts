import createError from '@fastify/error'

/** Too much was asked for in too short a time. */
export class RateLimitedError extends createError<[string]>('MSG_ERR_RATE_LIMITED', 'Too many requests: %s', 429) {
  /** @param retryAfter seconds until there is a point in asking again */
  constructor (what: string, readonly retryAfter: number) {
    super(what)
  }
}

/** An address has as many subscriptions as one may have. */
export const AddressFullError = createError<[number]>(
  'MSG_ERR_ADDRESS_FULL',
  'This address has %d subscriptions, as many as one may have (MAX_CONNECTIONS_PER_ADDRESS); behind a proxy set TRUST_PROXY',
  429
)

/** The instance has as many subscriptions, or occupied channels, as it may have. */
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

/** The request did not arrive whole within `REQUEST_TIMEOUT`. */
export const RequestTimeoutError = createError(
  'MSG_ERR_REQUEST_TIMEOUT',
  'The request took too long to arrive: send it faster, or in parts (REQUEST_TIMEOUT)',
  408
)

/** The URL is longer than `maxUrlBytes`. */
export const UrlTooLongError = createError<[number]>(
  'MSG_ERR_URL_TOO_LONG',
  'URL is too long: at most %d bytes are accepted (MAX_URL_BYTES)',
  414
)
