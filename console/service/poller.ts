/** The result of one turn of a poller: `absent` where the server does not have the endpoint. */
export type Turn = 'ok' | 'absent' | 'stop'

/** Milliseconds after which an endpoint is tried again that the server did not have: it may have been updated meanwhile. */
const ABSENT_MS = 60_000

/** Asks again and again, one question at a time. */
export class Poller {
  #timer: ReturnType<typeof setTimeout> | undefined
  #running = false
  /** Whether to ask anew as soon as the question that is open is answered. */
  #again = false

  constructor (readonly intervalMs: number, readonly turn: () => Promise<Turn>) {}

  /** Asks at once, and from then on in intervals. */
  start (): void {
    clearTimeout(this.#timer)
    if (this.#running) this.#again = true
    else void this.#run()
  }

  stop (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#again = false
  }

  async #run (): Promise<void> {
    this.#running = true
    const outcome = await this.turn()
    this.#running = false
    const again = this.#again
    this.#again = false
    if (again) { void this.#run(); return }
    if (outcome !== 'stop') this.#timer = setTimeout(() => { void this.#run() }, outcome === 'absent' ? ABSENT_MS : this.intervalMs)
  }
}
