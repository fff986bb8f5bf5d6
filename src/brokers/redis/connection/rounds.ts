import { rejectionOf } from './refusal.js'
import { retry } from './retry.js'

/** Dependencies of {@link Rounds}. */
export interface RoundsPorts {
  /** Whether a round makes sense now; `due` has to be called when that changes. */
  possible (): boolean
  /** Does the work that is due. After a rejection another round follows with a delay. */
  round (): Promise<void>
}

/** Does work in rounds, one at a time: work that becomes due during a round causes another one, so that none relies on outdated state. */
export class Rounds {
  readonly #ports: RoundsPorts
  readonly #maxBackoffMs: number
  #due = false
  #running = false

  constructor (maxBackoffMs: number, ports: RoundsPorts) {
    this.#ports = ports
    this.#maxBackoffMs = maxBackoffMs
  }

  /** Requests a round. */
  due (): void {
    this.#due = true
    if (!this.#running) void this.#run()
  }

  async #run (): Promise<void> {
    const wanted = (): boolean => this.#ports.possible()
    this.#running = true
    while (this.#due && wanted()) {
      this.#due = false
      const refusal = await rejectionOf(retry(() => this.#ports.round(), { maxBackoffMs: this.#maxBackoffMs, wanted }))
      // The round ended because it was no longer possible.
      if (refusal !== undefined) this.#due = true
    }
    this.#running = false
  }
}
