import { Connection, type ConnectionPorts } from '../channels/connection.js'
import { Close } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import type { Refusal } from '../wire/events.js'
import { encodeCursor, encodeData } from '../wire/event-stream.js'
import { formatId } from '../wire/id.js'
import type { RequestedChannel } from '../http/subscription-query.js'
import type { HttpStreamSubscriber } from './http-stream.js'

/** The cursor of a channel without a position. */
const LIVE = 'now'

/**
 * A connection with several channels on an event stream. The id of an event is the position in all channels, in the order of the URL,
 * within the same event as the message: `EventSource` then resumes them all, wherever the stream was cut.
 */
export class EventStreamConnection extends Connection {
  /** The position of each channel: its last id, and before `subscribed` or after a refusal what was asked for. */
  readonly #cursor: Map<string, string>
  readonly #stream: HttpStreamSubscriber

  /** @param asked the requested channels, in the order of the URL */
  constructor (carrier: HttpStreamSubscriber, ports: ConnectionPorts, asked: readonly RequestedChannel[]) {
    super(carrier, ports)
    this.#stream = carrier
    this.#cursor = new Map(asked.map(({ channel, since = LIVE }) => [channel, typeof since === 'string' ? since : formatId(since.epoch, since.offset)]))
  }

  /** An `EventSource` cannot ask again for one channel: it comes back for all. */
  override refuse (channel: string, refusal: Refusal): void {
    super.refuse(channel, refusal)
    if (refusal.close === Close.TRY_AGAIN) this.carrier.close(refusal.close, refusal.code)
  }

  override get cursor (): string {
    return [...this.#cursor.values()].join(',')
  }

  protected override encoderOf (channel: string): Encode {
    return (envelopes) => this.#stream.framed(Buffer.concat(envelopes.flatMap((envelope) => {
      this.moved(channel, envelope.id)
      return [encodeData(envelope), encodeCursor(this.cursor)]
    })))
  }

  protected override moved (channel: string, id: string): void {
    this.#cursor.set(channel, id)
  }
}
