import { Signal } from '../signal.js'
import { ask } from './api.js'
import { Poller, type Turn } from './poller.js'

const INTERVAL_MS = 5_000

export type HealthState = 'unknown' | 'ready' | 'not-ready' | 'unreachable'

/** Whether the service and its engine are ready. */
export class Health {
  readonly changed = new Signal()
  readonly #poller = new Poller(INTERVAL_MS, () => this.#turn())
  #state: HealthState = 'unknown'
  #reason = ''

  get state (): HealthState {
    return this.#state
  }

  /** Why it is not ready. */
  get reason (): string {
    return this.#reason
  }

  start (): void {
    this.#poller.start()
  }

  async #turn (): Promise<Turn> {
    // A service that is not ready answers with 503, whose body has the reason.
    const answer = await ask('-/ready')
    this.#state = answer.kind === 'ok' ? 'ready' : answer.kind === 'failed' && answer.status === 0 ? 'unreachable' : answer.kind === 'failed' && answer.status === 503 ? 'not-ready' : 'unknown'
    this.#reason = answer.kind === 'failed' && answer.status === 503 ? answer.reason : ''
    this.changed.emit()
    return answer.kind === 'absent' ? 'absent' : 'ok'
  }
}
