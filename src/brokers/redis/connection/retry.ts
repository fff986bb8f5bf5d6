import { setTimeout as delay } from 'node:timers/promises'
import { rejectionOf } from './refusal.js'
import { backoff } from './timings.js'

/** Options of {@link retry}. */
export interface RetryOptions {
  /** Maximum number of milliseconds until the next attempt. */
  readonly maxBackoffMs: number
  /** Whether another attempt makes sense; called after a failure, and again when the delay is over. */
  readonly wanted: () => boolean
}

/** Resolves when an attempt succeeds; rejects like the last one when no other is wanted. */
export async function retry (attempt: () => Promise<void>, { maxBackoffMs, wanted }: RetryOptions): Promise<void> {
  let refusal = await rejectionOf(attempt())
  for (let failures = 1; refusal !== undefined && wanted(); failures++) {
    await delay(backoff(failures, maxBackoffMs), undefined, { ref: false })
    if (wanted()) refusal = await rejectionOf(attempt())
  }
  if (refusal !== undefined) throw refusal as Error
}
