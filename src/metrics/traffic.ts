import type { GapReason } from '../wire/events.js'
import { Close, type CloseCode } from '../wire/close.js'
import { Counts } from './counts.js'
import { Histogram } from './histogram.js'

/** The transports of subscribers, as metrics name them. */
export const TRANSPORTS = ['websocket', 'sse', 'ndjson', 'poll'] as const

/** One of {@link TRANSPORTS}. */
export type TransportName = typeof TRANSPORTS[number]

/**
 * The counters of one messenger since its start. The path of a message adds to plain numbers; metrics read them at the scrape. Nothing
 * is counted by channel.
 */
export class Traffic {
  /** Messages that this instance has appended to a log. */
  published = 0
  /** Messages written to subscribers: one message to three subscribers is three. */
  delivered = 0
  /** Their bytes as they were written, framing of the transport included. */
  deliveredBytes = 0
  /** Open connections of subscribers. */
  readonly connections = new Counts<TransportName>(TRANSPORTS)
  /** Announced gaps, and closes that stand for one. */
  readonly gaps = new Counts<GapReason>(['epoch', 'expired'])
  /** Subscriptions and reads after an id: whether nothing was missing. */
  readonly resumes = new Counts<'true' | 'false'>(['true', 'false'])
  /** Connections that the service has closed. */
  readonly closed = new Counts<CloseCode>(Object.values(Close))
  /** Refused requests, channels and messages of batches, by the code of the error. */
  readonly refused = new Counts()
  /** Seconds from the request to publish to the message in the log. */
  readonly publishSeconds = new Histogram()
  /** Seconds from the request to publish to the answer of a subscriber. */
  readonly deliverySeconds = new Histogram()

  /** Counts messages that were written to one subscriber. */
  deliver (messages: number, bytes: number): void {
    this.delivered += messages
    this.deliveredBytes += bytes
  }

  /** Counts the start of a subscription, or a later gap of it. */
  stand (resumed: boolean, reason: GapReason | undefined): void {
    if (reason !== undefined) this.gaps.add(reason)
    if (resumed) this.resumes.add(reason === undefined ? 'true' : 'false')
  }
}
