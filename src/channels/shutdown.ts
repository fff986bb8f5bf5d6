import { setTimeout as delay } from 'node:timers/promises'
import type { Subscriber } from './subscriber.js'

/** Share of the drain in which subscribers are closed; the rest is left for their answers. */
const CLOSING_SHARE = 0.8
const MAX_SLICES = 80
const MIN_SLICE = 10
const MIN_WINDOW_MS = 1_000
const MAX_WINDOW_MS = 60_000
/** Clients that may reconnect in a millisecond. */
const RECONNECTS_PER_MS = 2

/**
 * - `open`: subscribers and messages are taken;
 * - `draining`: subscribers are refused and sent away in slices, messages are still taken;
 * - `closed`: messages are refused, too; connections that are left may finish their close.
 */
export type ShutdownState = 'open' | 'draining' | 'closed'

/** The connections that were told to close, and the steps in which a hub ends. */
export class Shutdown {
  #state: ShutdownState = 'open'
  #reason = ''
  readonly #closing = new Set<Subscriber>()
  #onEmpty: (() => void) | undefined

  get state (): ShutdownState {
    return this.#state
  }

  /** The reason with which subscribers are closed: it carries the window in which they reconnect. */
  get reason (): string {
    return this.#reason
  }

  /** Adds a subscriber that was told to close, or that is closed as soon as its replay ends. */
  add (subscriber: Subscriber): void {
    this.#closing.add(subscriber)
  }

  has (subscriber: Subscriber): boolean {
    return this.#closing.has(subscriber)
  }

  /** Deletes a subscriber whose connection is gone. */
  delete (subscriber: Subscriber): void {
    this.#closing.delete(subscriber)
    if (this.#closing.size === 0) this.#onEmpty?.()
  }

  /**
   * Calls `sendAway` for each subscriber, in slices, refuses messages afterwards and terminates the connections that are left after
   * `drainMs` milliseconds. The state changes before the first asynchronous step.
   */
  async run (subscribers: readonly Subscriber[], drainMs: number, sendAway: (subscriber: Subscriber) => void): Promise<void> {
    const deadline = performance.now() + drainMs
    this.#state = 'draining'
    this.#reason = `retry=${retryWindowMs(subscribers.length)}`
    // Spread over the drain, so that clients do not all reconnect to another instance at once.
    const size = Math.max(MIN_SLICE, Math.ceil(subscribers.length / MAX_SLICES))
    for (let start = 0; start < subscribers.length; start += size) {
      if (start > 0) await delay(drainMs * CLOSING_SHARE / MAX_SLICES)
      for (const subscriber of subscribers.slice(start, start + size)) sendAway(subscriber)
    }
    this.#state = 'closed'
    await this.#emptied(deadline - performance.now())
    for (const subscriber of this.#closing) subscriber.terminate()
  }

  /** Resolves when every connection is gone, or after `timeoutMs` milliseconds. */
  async #emptied (timeoutMs: number): Promise<void> {
    if (this.#closing.size === 0) return
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, timeoutMs)
      this.#onEmpty = () => {
        clearTimeout(deadline)
        resolve()
      }
    })
  }
}

/** The window in milliseconds in which so many clients are asked to reconnect, each at a random time. */
function retryWindowMs (subscribers: number): number {
  return Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, Math.ceil(subscribers / RECONNECTS_PER_MS)))
}
