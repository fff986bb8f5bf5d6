import { setTimeout as delay } from 'node:timers/promises'
import { Close, type CloseCode } from '../wire/close.js'
import type { Subscriber } from './subscriber.js'

/** Share of the drain in which subscribers are closed; the rest is left for their answers. */
const CLOSING_SHARE = 0.8
const MAX_SLICES = 80
const MIN_SLICE = 10
const MIN_WINDOW_MS = 1_000
const MAX_WINDOW_MS = 60_000
/** Reconnects per millisecond. */
const RECONNECTS_PER_MS = 2

/**
 * - `open`: subscribers and messages are accepted;
 * - `draining`: subscribers are refused and closed in slices, messages are still accepted;
 * - `closed`: messages are refused, too; remaining connections may finish their close.
 */
export type ShutdownState = 'open' | 'draining' | 'closed'

/** The connections that are being closed, and the steps in which a hub ends. */
export class Shutdown {
  #state: ShutdownState = 'open'
  #reason = ''
  readonly #closing = new Set<Subscriber>()
  #onEmpty: (() => void) | undefined

  get state (): ShutdownState {
    return this.#state
  }

  /** The close reason for subscribers; contains the window in which they reconnect. */
  get reason (): string {
    return this.#reason
  }

  /** Adds a subscriber whose close has begun, or begins at the end of its replay. */
  add (subscriber: Subscriber): void {
    this.#closing.add(subscriber)
  }

  /** Closes the connection of a subscriber. */
  end (subscriber: Subscriber, code: CloseCode, reason: string): void {
    this.add(subscriber)
    subscriber.close(code, reason)
  }

  /** Closes the connection of a subscriber, which reconnects within the window. */
  restart (subscriber: Subscriber): void {
    this.end(subscriber, Close.RESTART, this.#reason)
  }

  has (subscriber: Subscriber): boolean {
    return this.#closing.has(subscriber)
  }

  /** Deletes a subscriber whose connection is closed. */
  delete (subscriber: Subscriber): void {
    this.#closing.delete(subscriber)
    if (this.#closing.size === 0) this.#onEmpty?.()
  }

  /**
   * Calls `sendAway` for each subscriber, in slices, then refuses messages and terminates the remaining connections after `drainMs`
   * milliseconds. The state changes before the first asynchronous step.
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
    for (const subscriber of this.#closing) subscriber.terminate('the drain is over')
  }

  /** Resolves when every connection is closed, or after `timeoutMs` milliseconds. */
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

/** The window in milliseconds in which so many clients should reconnect, each at a random time. */
function retryWindowMs (subscribers: number): number {
  return Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, Math.ceil(subscribers / RECONNECTS_PER_MS)))
}
