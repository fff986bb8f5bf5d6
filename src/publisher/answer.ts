import { PublisherCode } from './errors.js'

/** Statuses after which a repetition makes sense. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])
/** Refusals of a whole batch that concern one of its entries. */
const OF_ONE_ENTRY = new Set([400, 413, 422])
const FORBIDDEN_CHANNEL = 'MSG_ERR_CHANNEL_FORBIDDEN'
/** Failures that leave open whether the message was kept. */
const UNKNOWN_OUTCOME = new Set(['MSG_ERR_ENGINE_UNAVAILABLE', 'MSG_ERR_INTERNAL'])

/** The answer of the service to a message that is published. */
export interface Publication {
  /** `"<epoch>:<offset>"`, the id of the message for every subscriber. */
  readonly id: string
  /** Subscribers of the channel when the message was appended. */
  readonly subscribers: number
  /** Set when an earlier attempt, or another publish with the same key, has published the message. */
  readonly duplicate?: true
  /** Subscribers that have acknowledged the message, have not, and cannot; present where receipts were asked for and given. */
  readonly received?: number
  readonly silent?: number
  readonly unable?: number
  /** Milliseconds from the publish to the acknowledgements. */
  readonly latencyMs?: { readonly p50: number, readonly max: number }
}

/** The reason for which a message, or a request, was not accepted. */
export interface Refusal {
  readonly code: string
  readonly statusCode?: number | undefined
  readonly message: string
  readonly maybeDelivered: boolean
  readonly cause?: unknown
}

/** The result of one request. */
export type Outcome =
  | { readonly kind: 'answered', readonly results: readonly Result[] }
  /** Passes: the request can be repeated. */
  | { readonly kind: 'failed', readonly refusal: Refusal, readonly retryAfterMs: number }
  /** Final; `divisible` where one entry of a batch may be the reason, or its size. */
  | { readonly kind: 'refused', readonly refusal: Refusal, readonly divisible: boolean }

/** The result of one entry. */
export type Result = Publication | { readonly refusal: Refusal, readonly passing: boolean }

/** The outcome of an answer with a status other than 200. */
export function refusedOutcome (status: number, body: unknown, retryAfterMs: number): Outcome {
  const { code, message } = errorOf(body)
  const refusal: Refusal = {
    code: code ?? (PASSING.has(status) ? PublisherCode.UNREACHABLE : PublisherCode.REFUSED),
    statusCode: status,
    message: message ?? `the server answered ${status}, which is not an answer of this service`,
    maybeDelivered: maybeDelivered(status, code)
  }
  if (PASSING.has(status)) return { kind: 'failed', refusal, retryAfterMs }
  return { kind: 'refused', refusal, divisible: OF_ONE_ENTRY.has(status) || code === FORBIDDEN_CHANNEL }
}

/** The results in the body of an answer, or `undefined` when it does not have one for each entry. */
export function resultsOf (body: unknown, count: number): (Result | undefined)[] | undefined {
  const { results } = fieldsOf(body)
  return Array.isArray(results) && results.length === count ? results.map(resultOf) : undefined
}

/** The result of a single message, or `undefined` when the body is not one. */
export function resultOf (body: unknown): Result | undefined {
  const { id, subscribers, duplicate, received, silent, unable, latencyMs, error } = fieldsOf(body)
  if (error !== undefined) {
    const { statusCode } = fieldsOf(error)
    const { code = PublisherCode.REFUSED, message = 'the service gave no reason' } = errorOf(error)
    const status = typeof statusCode === 'number' ? statusCode : 500
    return { refusal: { code, statusCode: status, message, maybeDelivered: maybeDelivered(status, code) }, passing: PASSING.has(status) }
  }
  if (typeof id !== 'string' || typeof subscribers !== 'number') return undefined
  const counts = Object.fromEntries(Object.entries({ received, silent, unable }).filter(([, value]) => typeof value === 'number'))
  const { p50, max } = fieldsOf(latencyMs)
  return {
    id,
    subscribers,
    ...duplicate === true && { duplicate },
    ...counts,
    ...typeof p50 === 'number' && typeof max === 'number' && { latencyMs: { p50, max } }
  }
}

function errorOf (body: unknown): { code?: string, message?: string } {
  const { code, message } = fieldsOf(body)
  // A status of a proxy comes with a body of its own.
  if (typeof code !== 'string' || typeof message !== 'string') return {}
  // A batch is divided until the entry is known, and its index says nothing to the caller.
  return { code, message: message.replace(/^Entry \d+: /, '') }
}

function fieldsOf (value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
}

function maybeDelivered (status: number, code: string | undefined): boolean {
  return code === undefined ? status >= 500 || status === 408 : UNKNOWN_OUTCOME.has(code)
}
