import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 2

/** How {@link eventually} waits. */
export interface Patience {
  /** Milliseconds that the condition may take. */
  within?: number
  /** The description of the condition in the error. Default: the source of `check`. */
  message?: string | (() => string)
  /** Whether to look on every turn of the event loop, where what is waited for passes. */
  everyTurn?: boolean
}

/** Resolves once `check` gives true, however soon or late; rejects when that takes too long. What `check` throws ends the wait. */
export async function eventually (
  check: () => boolean | Promise<boolean>, { within = 15_000, message = String(check), everyTurn = false }: Patience = {}
): Promise<void> {
  const deadline = performance.now() + within
  while (!await check()) {
    if (performance.now() > deadline) throw new Error(`Not within ${within} ms: ${typeof message === 'string' ? message : message()}`)
    await (everyTurn ? turn() : delay(POLL_MS))
  }
}

/** Resolves on the next turn of the event loop. */
export async function turn (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}
