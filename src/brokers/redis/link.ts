import { Cluster } from 'ioredis'
import type { Commands } from './connection.js'

const CHECK_INTERVAL_MS = 1_000
/** How long a connection may take to become usable before it is tried anew. */
const CONNECT_TIMEOUT_MS = 4_000

/**
 * Watches a connection. One that is silently cut looks alive for minutes: it is asked once a second, and an answer that does not
 * come in time ends it. A cluster's connections are the client's to watch.
 */
export class Link {
  readonly #client: Commands
  readonly #timer: NodeJS.Timeout
  #connectingSince = performance.now()

  constructor (readonly client: Commands, onReady: () => void, onLost: () => void) {
    this.#client = client
    client.on('ready', onReady)
    client.on('close', onLost)
    this.#timer = setInterval(() => { void this.#check() }, CHECK_INTERVAL_MS).unref()
  }

  get ready (): boolean {
    return this.#client.status === 'ready'
  }

  close (): void {
    clearInterval(this.#timer)
    this.#client.removeAllListeners('ready').removeAllListeners('close')
    this.#client.disconnect()
  }

  async #check (): Promise<void> {
    const client = this.#client
    if (client instanceof Cluster) return
    if (client.status === 'ready') {
      this.#connectingSince = performance.now() + CHECK_INTERVAL_MS
      await client.ping().catch(() => { if (client.status === 'ready') client.disconnect(true) })
    } else if (client.status !== 'reconnecting' && performance.now() - this.#connectingSince > CONNECT_TIMEOUT_MS) {
      this.#connectingSince = performance.now()
      client.disconnect(true)
    }
  }
}
