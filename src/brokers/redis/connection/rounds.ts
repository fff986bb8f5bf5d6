import { setTimeout as delay } from 'node:timers/promises'
import { backoff } from './timings.js'

/** What rounds work with. */
export interface RoundsPorts {
  /** Whether there is any point in a round now; who says no has to call `due` when that changes. */
  possible (): boolean
  /** Does what there is to do. When it rejects there is another round after a while. */
  round (): Promise<void>
}

/** Does work in rounds, one at a time: what comes up during one makes for another, so that nothing rests on what is outdated. */
export class Rounds {
  readonly #ports: RoundsPorts
  readonly #maxBackoffMs: number
  #due = false
  #running = false

  constructor (maxBackoffMs: number, ports: RoundsPorts) {
    this.#maxBackoffMs = maxBackoffMs
    this.#ports = ports
  }

  /** There is something to do. */
  due (): void {
    this.#due = true
    if (!this.#running) void this.#run()
  }

  async #run (): Promise<void> {
    this.#running = true
    for (let failures = 0; this.#due && this.#ports.possible();) {
      this.#due = false
      try {
        await this.#ports.round()
        failures = 0
      } catch {
        this.#due = true
        await delay(backoff(++failures, this.#maxBackoffMs), undefined, { ref: false })
      }
    }
    this.#running = false
  }
}
