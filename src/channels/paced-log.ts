import type { Broker, Replay } from '../brokers/broker.js'
import { Pace } from './pace.js'

/** The logs of a broker, read with turns of the event loop in between. */
export class PacedLog implements Pick<Broker, 'read'> {
  readonly #pace = new Pace()

  constructor (private readonly broker: Pick<Broker, 'read'>) {}

  async read (...request: Parameters<Broker['read']>): Promise<Replay> {
    await this.#pace.turn()
    const replay = await this.broker.read(...request)
    this.#pace.charge(replay.entries.length)
    return replay
  }
}
