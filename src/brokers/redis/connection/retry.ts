import { setTimeout as delay } from 'node:timers/promises'
import { backoff } from './timings.js'

/** Options of {@link retry}. */
export interface RetryOptions {
  /** Maximum number of milliseconds until the next attempt. */
  readonly maxBackoffMs: number
  /** Whether another attempt makes sense; called after a failure, and again when the delay is over. */
  readonly wanted: () => boolean
}

/** Resolves with the result of the first attempt that succeeds; rejects like the last one when no other is wanted. */
export async function retry<T> (attempt: () => Promise<T>, { maxBackoffMs, wanted }: RetryOptions): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (wanted()) await delay(backoff(failures, maxBackoffMs), undefined, { ref: false })
      if (!wanted()) throw error
    }
  }
}
