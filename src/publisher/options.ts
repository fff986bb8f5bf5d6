import type { PublishError } from './errors.js'
import { guarded } from './guarded.js'

/** Milliseconds for which a service remembers an idempotency key. */
const KEY_LIFETIME_MS = 300_000
/**
 * The last attempt ends this long before the key is forgotten: a request that was given up can still be on its way, and is
 * a repetition only while the key is known.
 */
const TRANSIT_MS = 30_000
const MAX_RETRY_FOR_MS = KEY_LIFETIME_MS - TRANSIT_MS
const MIN_RETRY_FOR_MS = 1_000
const MAX_COUNT = 100_000_000

/** A bearer token, or a function that is called for each request; it may be async, and may return a token that it keeps. */
export type Token = string | (() => string | Promise<string>)

/** An attempt that failed and is repeated. */
export interface RetryEvent {
  readonly error: PublishError
  /** Messages that the next attempts repeat. */
  readonly messages: number
  /** Milliseconds until then. */
  readonly delayMs: number
}

/** Options of `createPublisher`. */
export interface PublisherOptions {
  /** The address of the service, with the prefix of the plugin if it has one: `https://push.example.com`, `http://127.0.0.1:3000/rt`. */
  readonly server: string | URL
  readonly token: Token
  /** Messages that may be pending; beyond it `publish` rejects with MSG_ERR_PUBLISHER_FULL. Default 10,000. */
  readonly maxPending?: number | undefined
  /** Bytes of JSON that may be pending. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined
  /** Largest body of a request with several messages, in bytes. Default 1,000,000: proxies often refuse more than 1 MB. */
  readonly maxBodyBytes?: number | undefined
  /** Requests at a time. Default 4. A channel is in one of them only. */
  readonly maxRequests?: number | undefined
  /** Milliseconds from `publish` for which a message is repeated. Default and maximum 270,000: the service forgets a key after 300,000. */
  readonly retryForMs?: number | undefined
  /** Milliseconds that an attempt may take. Default 10,000. */
  readonly requestTimeoutMs?: number | undefined
  /** Aborts all that is pending, and closes the publisher. */
  readonly signal?: AbortSignal | undefined
  /** Called when an attempt failed and is repeated. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
  /** Called with each message that failed. With it promises of `publish` may be ignored; their rejections are handled. */
  readonly onError?: ((error: PublishError) => void) | undefined
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** Options of `publish`. */
export interface PublishOptions {
  /** 1–255 printable ASCII characters. Default: one made by the publisher. */
  readonly idempotencyKey?: string | undefined
  /** Asks for receipts of subscribers, and waits for them at most that many milliseconds (1–30 s). The message is a request of its own. */
  readonly waitMs?: number | undefined
  /** Ends the attempts; `publish` then rejects with MSG_ERR_PUBLISH_ABORTED. */
  readonly signal?: AbortSignal | undefined
}

/** The options with their defaults. */
export interface Settings {
  /** The address without a slash at its end. */
  readonly base: string
  readonly token: Token
  readonly maxPending: number
  readonly maxPendingBytes: number
  readonly maxBodyBytes: number
  readonly maxRequests: number
  readonly retryForMs: number
  readonly requestTimeoutMs: number
  readonly fetch: typeof globalThis.fetch
  readonly onRetry: (event: RetryEvent) => void
}

/** Fills in the defaults. Throws a TypeError that names the option and its rule. */
export function settingsOf (options: PublisherOptions): Settings {
  // fetch must not be called as a method of another object.
  const { server, token, fetch = globalThis.fetch.bind(globalThis), onRetry = () => {} } = options
  if (typeof token !== 'function') assertToken(token)
  const integer = (name: keyof PublisherOptions, byDefault: number, minimum: number, maximum = MAX_COUNT): number => {
    const value = options[name] ?? byDefault
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value
    throw new TypeError(`${name} must be an integer from ${minimum} to ${maximum}`)
  }
  return {
    base: baseOf(server),
    token,
    fetch,
    onRetry: (event) => { guarded(() => { onRetry(event) }) },
    maxPending: integer('maxPending', 10_000, 1),
    maxPendingBytes: integer('maxPendingBytes', 64 * 1024 ** 2, 1, 2 ** 40),
    maxBodyBytes: integer('maxBodyBytes', 1_000_000, 1_024, 16 * 1024 ** 2),
    maxRequests: integer('maxRequests', 4, 1, 256),
    retryForMs: integer('retryForMs', MAX_RETRY_FOR_MS, MIN_RETRY_FOR_MS, MAX_RETRY_FOR_MS),
    requestTimeoutMs: integer('requestTimeoutMs', 10_000, 1, MAX_RETRY_FOR_MS)
  }
}

/** Throws a TypeError, without the token, for a text that cannot stand in a header. */
export function assertToken (token: unknown): asserts token is string {
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new TypeError('token must be printable ASCII characters without white space, or a function that returns such a text')
}

function baseOf (server: unknown): string {
  const text = String(server)
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  // The address is not shown: it may contain a password.
  if (url === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError('server must be an address like https://example.com or http://127.0.0.1:3000/rt, without user, query and fragment')
  return url.href.replace(/\/+$/, '')
}
