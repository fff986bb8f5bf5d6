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
  /** Further channels, for hosts whose router bounds the length of a name in the path. */
  channels?: unknown
  /** Asks for frames of the client on a WebSocket. */
  frames?: unknown
  wait?: unknown
  limit?: unknown
  heartbeat?: unknown
}

/** A channel that a client asks for. */
export interface RequestedChannel {
  readonly channel: string
  /** The requested start; `undefined` without one. */
  readonly since: Since | undefined
}

/** The query of a subscription. */
export interface SubscriptionQuery {
  /** The requested start of each channel; `undefined` without one. */
  readonly since: readonly (Since | undefined)[]
  /** Time for which an answer may wait for a message; 0: not at all. */
  readonly waitMs: number
  /** Maximum number of messages in an answer. */
  readonly limit: number
  /** Whether the client requests visible heartbeats and their interval. */
  readonly heartbeat: boolean
  /** Whether the client may send frames. */
  readonly frames: boolean
}

/**
 * Parses the query of a subscription to `count` channels; the header `Last-Event-ID` wins over its aliases in the query, which clients
 * add to the URL for a reconnect, and these over `since`. An empty one counts as absent. For several channels it is a list in their
 * order, or one `now` or `earliest` for all.
 * Throws MSG_ERR_SINCE_INVALID or MSG_ERR_QUERY_INVALID.
 */
export function parseSubscriptionQuery (query: RawQuery, lastEventId: unknown, count: number): SubscriptionQuery {
  const since = [lastEventId, query.lastEventId, query.lastEventID, query.since].find((value) => value !== undefined && value !== '')
  return {
    since: parseStarts(since, count),
    waitMs: 1_000 * parseNumber('wait', query.wait ?? '0', 0, MAX_WAIT_SECONDS),
    limit: parseNumber('limit', query.limit ?? String(DEFAULT_LIMIT), 1, MAX_LIMIT),
    heartbeat: query.heartbeat !== undefined,
    frames: query.frames !== undefined
  }
}

function parseStarts (text: unknown, count: number): readonly (Since | undefined)[] {
  if (text === undefined || text === 'now' || text === 'earliest') return Array<Since | undefined>(count).fill(text)
  const texts = typeof text === 'string' && count > 1 ? text.split(',') : [text]
  if (texts.length !== count) throw new SinceInvalidError(`${JSON.stringify(text)} for ${count} channels`)
  return texts.map((each) => each === '' ? undefined : parseSince(each))
}

/** The start that a text stands for. Throws MSG_ERR_SINCE_INVALID. */
export function parseSince (text: unknown): Since {
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
