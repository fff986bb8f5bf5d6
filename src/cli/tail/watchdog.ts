/** Silence that is allowed until the stream has announced its heartbeat. */
const FIRST_MS = 60_000
/** Silence that is allowed, in heartbeats. */
const HEARTBEATS = 2.5

/** Ends a connection that is silent for too long, as one that was cut without notice is. */
export class Watchdog {
  readonly #abort = new AbortController()
  readonly #outer: AbortSignal
  readonly #onAbort = (): void => { this.end(this.#outer.reason) }
  #timer: NodeJS.Timeout
  #allowedMs = FIRST_MS

  /** @param outer a signal that ends the connection, too */
  constructor (outer: AbortSignal) {
    this.#outer = outer
    outer.addEventListener('abort', this.#onAbort)
    this.#timer = this.#start()
  }

  /** Aborted when the connection has to end. */
  get signal (): AbortSignal {
    return this.#abort.signal
  }

  /** Called with each sign of life. */
  heard (): void {
    this.#timer.refresh()
  }

  /** Takes the interval of the heartbeats; 0 where there are none. */
  expect (heartbeatMs: number): void {
    if (heartbeatMs <= 0) return
    this.#allowedMs = HEARTBEATS * heartbeatMs
    clearTimeout(this.#timer)
    this.#timer = this.#start()
  }

  /** Ends the connection. */
  end (reason: unknown): void {
    this.#abort.abort(reason)
  }

  stop (): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#onAbort)
  }

  #start (): NodeJS.Timeout {
    return setTimeout(() => { this.end(new Error(`nothing was heard for ${Math.round(this.#allowedMs / 1_000)} s`)) }, this.#allowedMs)
  }
}
