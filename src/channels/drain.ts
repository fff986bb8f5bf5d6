import { setTimeout as delay } from 'node:timers/promises'
import type { Subscriber } from './subscriber.js'

/** Part of the drain in which subscribers are closed; the rest is for their answers. */
const CLOSING_SHARE = 0.8
const MAX_SLICES = 80
const MIN_SLICE = 10
const MIN_WINDOW_MS = 1_000
const MAX_WINDOW_MS = 60_000
/** Clients that may come back in a millisecond. */
const RECONNECTS_PER_MS = 2

/** The window in milliseconds in which so many clients are asked to come back, each at a time of its own choice. */
export function retryWindowMs (subscribers: number): number {
  return Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, Math.ceil(subscribers / RECONNECTS_PER_MS)))
}

/** Calls `close` for each subscriber, in slices spread over the drain, so that those who come back elsewhere do not come all at once. */
export async function drain (subscribers: readonly Subscriber[], drainMs: number, close: (subscriber: Subscriber) => void): Promise<void> {
  const size = Math.max(MIN_SLICE, Math.ceil(subscribers.length / MAX_SLICES))
  for (let start = 0; start < subscribers.length; start += size) {
    if (start > 0) await delay(drainMs * CLOSING_SHARE / MAX_SLICES)
    for (const subscriber of subscribers.slice(start, start + size)) close(subscriber)
  }
}
