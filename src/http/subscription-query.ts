import type { Since } from '../brokers/broker.js'
import { QueryInvalidError, SinceInvalidError } from '../errors.js'
import { parseId } from '../wire/id.js'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
const MAX_WAIT_SECONDS = 60

/** The unchecked query of a subscription. */
export interface RawQuery {
  since?: unknown
  /** The position of polyfills of EventSource, which cannot set a header everywhere. */
  lastEventId?: unknown
  lastEventID?: unknown
  wait?: unknown
  limit?: unknown
  heartbeat?: unknown
}

/** The query of a subscription. */
export interface SubscriptionQuery {
  /** The requested start; `undefined` without one. */
  readonly since: Since | undefined
  /** Time for which an answer may wait for a message; 0: not at all. */
  readonly waitMs: number
  /** Maximum number of messages in an answer. */
  readonly limit: number
  /** Whether the client requests visible heartbeats and their interval. */
  readonly heartbeat: boolean
}

/**
 * Parses the query of a subscription; the header `Last-Event-ID` wins over its aliases in the query, which clients add to the URL
 * for a reconnect, and these over `since`. An empty one counts as absent.
 * Throws MSG_ERR_SINCE_INVALID or MSG_ERR_QUERY_INVALID.
 */
export function parseSubscriptionQuery (query: RawQuery, lastEventId: unknown): SubscriptionQuery {
  const since = [lastEventId, query.lastEventId, query.lastEventID, query.since].find((value) => value !== undefined && value !== '')
  return {
    since: since === undefined ? undefined : parseSince(since),
    waitMs: 1_000 * parseNumber('wait', query.wait ?? '0', 0, MAX_WAIT_SECONDS),
    limit: parseNumber('limit', query.limit ?? String(DEFAULT_LIMIT), 1, MAX_LIMIT),
    heartbeat: query.heartbeat !== undefined
  }
}

function parseSince (text: unknown): Since {
  if (text === 'earliest' || text === 'now') return text
  const position = typeof text === 'string' ? parseId(text) : undefined
  if (position === undefined) throw new SinceInvalidError(JSON.stringify(text))
  return position
}

function parseNumber (name: string, text: unknown, minimum: number, maximum: number): number {
  const number = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (!(number >= minimum && number <= maximum))
    throw new QueryInvalidError(`${name} must be an integer from ${minimum} to ${maximum}, but is ${JSON.stringify(text)}`)
  return number
}
