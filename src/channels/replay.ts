import type { Broker, LogEntry, Since } from '../brokers/broker.js'
import { type Envelope, wrap } from '../wire/envelope.js'
import { formatId } from '../wire/id.js'
import type { Channel } from './channel.js'
import { REPLAYING, type Subscriber } from './subscriber.js'

/** Bytes written before the next check whether the connection keeps up. */
const CHUNK_BYTES = 65_536
/** Messages read from the log at a time. */
const PAGE = 1_000

/** The part of a log that a subscriber still needs. A replay advances it, so that another one can continue where it broke off. */
export interface Backlog {
  /** The position before the first message. */
  since: Since
  /** Whether the position is announced first. */
  announce: boolean
}

/** The end of a replay: the fan-out takes over, the subscriber is closed, or it has a gap that cannot be announced. */
export type ReplayOutcome = 'live' | 'gone' | 'gap'

/**
 * Writes the backlog of a subscriber, at the pace of its socket, up to the position at which the fan-out takes over.
 * Rejects when the log cannot be read; `backlog` then holds the rest.
 *
 * The fan-out skips the subscriber meanwhile. A message that is published meanwhile is either in a later read of the log or not
 * yet flushed: the subscriber goes live in the same synchronous step that finds every flushed message written to it, so that no
 * message falls between the two and none is in both.
 */
export async function replay (
  broker: Pick<Broker, 'read'>, channel: Channel, subscriber: Subscriber, backlog: Backlog
): Promise<ReplayOutcome> {
  subscriber.offset = REPLAYING
  for (;;) {
    const { since } = backlog
    const { epoch, after, head, entries, reason } = await broker.read(channel.name, since, PAGE)
    if (!subscriber.isOpen()) return 'gone'
    const carriedOver = typeof since === 'object' && since.epoch !== epoch
    if (reason !== undefined || backlog.announce || carriedOver) {
      channel.traffic.stand(backlog.announce && typeof since === 'object', reason)
      const told = subscriber.announce({ channel: channel.name, id: formatId(epoch, after), reason })
      if (!told && reason !== undefined) return 'gap'
    }
    backlog.announce = false
    for (const chunk of chunks(channel.name, entries)) {
      if (subscriber.unsentBytes > subscriber.replayWindow) await subscriber.drained()
      // Not after the end of a subscription: to encode a message moves the position of its connection.
      if (!subscriber.isOpen()) return 'gone'
      const bytes = subscriber.encode(chunk)
      subscriber.write(bytes)
      if (subscriber.isOpen()) channel.traffic.deliver(chunk.length, bytes.length)
    }
    if (!subscriber.isOpen()) return 'gone'
    const reached = entries.at(-1)?.offset ?? after
    backlog.since = { epoch, offset: reached }
    // Read and fan-out have to be of one epoch: offsets of different epochs are not comparable.
    if (reached === head && channel.epoch === epoch && channel.offset <= reached) {
      subscriber.epoch = epoch
      subscriber.offset = reached
      return 'live'
    }
  }
}

function * chunks (channel: string, entries: readonly LogEntry[]): Generator<Envelope[]> {
  let chunk: Envelope[] = []
  let length = 0
  for (const entry of entries) {
    const envelope = wrap(channel, entry)
    chunk.push(envelope)
    length += envelope.text.length
    if (length >= CHUNK_BYTES) {
      yield chunk
      chunk = []
      length = 0
    }
  }
  if (chunk.length > 0) yield chunk
}
