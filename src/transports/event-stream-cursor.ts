import type { Cursor } from '../channels/connection.js'
import type { RequestedChannel } from '../http/subscription-query.js'
import type { Encode } from '../wire/envelope.js'
import { encodeCursor, encodeData } from '../wire/event-stream.js'
import { formatId } from '../wire/id.js'
import type { HttpStreamSubscriber } from './http-stream.js'

/** The position in a channel without one. */
const LIVE = 'now'

/**
 * The position in several channels on an event stream: the id of an event is that in all of them, in the order of the URL, within the
 * same event as the message. `EventSource` then resumes them all, wherever the stream was cut.
 */
export class EventStreamCursor implements Cursor {
  /** The last id of each channel, and before `subscribed` or after a refusal what was asked for. */
  readonly #positions: Map<string, string>
  readonly #stream: Pick<HttpStreamSubscriber, 'framed'>

  /** @param asked the requested channels, in the order of the URL */
  constructor (stream: Pick<HttpStreamSubscriber, 'framed'>, asked: readonly RequestedChannel[]) {
    this.#stream = stream
    this.#positions = new Map(asked.map(({ channel, since = LIVE }) => [channel, typeof since === 'string' ? since : formatId(since.epoch, since.offset)]))
  }

  get text (): string {
    return [...this.#positions.values()].join(',')
  }

  move (channel: string, id: string): void {
    this.#positions.set(channel, id)
  }

  encoder (channel: string): Encode {
    return (envelopes) => this.#stream.framed(Buffer.concat(envelopes.flatMap((envelope) => {
      this.move(channel, envelope.id)
      return [encodeData(envelope), encodeCursor(this.text)]
    })))
  }
}
