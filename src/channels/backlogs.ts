import type { Broker } from '../brokers/broker.js'
import { ClosedError, EngineUnavailableError } from '../errors.js'
import type { Channel } from './channel.js'
import type { PacedLog } from './paced-log.js'
import { type Backlog, replay } from './replay.js'
import type { Subscriber } from './subscriber.js'
import { Waiting } from './waiting.js'

/** Dependencies of {@link Backlogs}. */
export interface BacklogsPorts {
  readonly broker: Pick<Broker, 'listen' | 'ready'>
  readonly log: PacedLog
  /** Called when the fan-out has taken over. */
  readonly onLive: (subscriber: Subscriber) => void
  /** Called for a gap that cannot be announced. */
  readonly onGap: (subscriber: Subscriber) => void
  /** Called when the log cannot be read. */
  readonly onFailure: (subscriber: Subscriber) => void
  /** Whether a subscriber may wait for the engine. */
  readonly mayWait: (subscriber: Subscriber) => boolean
  /** Called where it may not. */
  readonly onUnserved: (subscriber: Subscriber) => void
  /** Called with unforeseen errors. */
  readonly onError: (error: unknown) => void
}

/** The subscribers with a backlog: each is replayed, and while the engine is away it waits. */
export class Backlogs {
  readonly #ports: BacklogsPorts
  readonly #waiting: Waiting

  constructor (ports: BacklogsPorts) {
    this.#ports = ports
    this.#waiting = new Waiting({
      possible: () => ports.broker.ready,
      resume: (subscriber, backlog) => { this.resume(subscriber, backlog) }
    })
  }

  /** Whether a subscriber waits for the engine. */
  waits (subscriber: Subscriber): boolean {
    return this.#waiting.has(subscriber)
  }

  /** Ends the wait of a subscriber that leaves. */
  delete (subscriber: Subscriber): void {
    this.#waiting.delete(subscriber)
  }

  /** Continues with a backlog unless the membership has ended. */
  resume (subscriber: Subscriber, backlog: Backlog): void {
    const { channel } = subscriber
    if (channel) void this.deliver(channel, subscriber, backlog)
  }

  /** Delivers the backlog of a member of a channel, as soon as the engine is there. Never rejects. */
  async deliver (channel: Channel, subscriber: Subscriber, backlog: Backlog): Promise<void> {
    const { broker, log, onLive, onGap, onFailure, onError } = this.#ports
    const listening = channel.listening ??= broker.listen(channel.name)
    try {
      await listening
      const outcome = await replay(log, channel, subscriber, backlog)
      this.#waiting.delete(subscriber)
      if (outcome === 'live') onLive(subscriber)
      if (outcome === 'gap') onGap(subscriber)
    } catch (error) {
      // The next subscriber calls the broker again; a promise that another one has started meanwhile stays.
      if (channel.listening === listening) channel.listening = undefined
      if (error instanceof EngineUnavailableError) { this.#wait(subscriber, backlog); return }
      // While closing, a closed log is expected.
      if (!(error instanceof ClosedError)) onError(error)
      onFailure(subscriber)
    }
  }

  #wait (subscriber: Subscriber, backlog: Backlog): void {
    if (subscriber.channel === undefined) return
    if (this.#ports.mayWait(subscriber)) this.#waiting.add(subscriber, backlog)
    else this.#ports.onUnserved(subscriber)
  }
}
