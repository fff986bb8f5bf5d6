import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'

const ANSWER_TIMEOUT_MS = 1_000
/** A Sentinel waits for some seconds before it makes a replica of a master that comes back by itself. */
const SETTLE_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** Asks a server; `undefined` when it does not answer, or with an error. */
export async function ask (server, ...command) {
  try {
    return await tell(server, ...command)
  } catch {
    return undefined
  }
}

/** Asks a server; rejects when it does not answer, or with an error. */
export async function tell ({ port }, ...command) {
  const client = new Redis({ port, lazyConnect: true, connectTimeout: ANSWER_TIMEOUT_MS, commandTimeout: ANSWER_TIMEOUT_MS, retryStrategy: null, enableReadyCheck: false, disableClientInfo: true }).on('error', () => {})
  try {
    await client.connect()
    return await client.call(...command)
  } finally {
    client.disconnect()
  }
}

/** Waits for what servers have to agree on; rejects when they do not in time. */
export async function until (what, condition) {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`no ${what} within ${SETTLE_TIMEOUT_MS} ms`)
    await delay(POLL_MS)
  }
}

/** Steps one after the other, each when all has settled behind the one before. */
export class Steps {
  #settled
  #onFailure
  #turn = Promise.resolve()

  /** @param settled resolves when the next step may begin */
  constructor (settled, onFailure) {
    this.#settled = settled
    this.#onFailure = onFailure
  }

  /** Takes a step in its turn; it may give another one to take before all has to settle. */
  take (step) {
    const done = this.#turn.then(step)
    this.#turn = done.then(async (next) => {
      await next?.()
      await this.#settled()
    }).catch((error) => { this.#onFailure(error.message) })
    return done
  }
}
