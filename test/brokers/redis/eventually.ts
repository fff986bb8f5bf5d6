import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 5

/** Resolves when `condition` holds; rejects with `what` when it does not within `timeoutMs` milliseconds. */
export async function eventually (what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`)
    await delay(POLL_MS)
  }
}
