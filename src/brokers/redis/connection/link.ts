import { type Commands, isCluster } from './connection.js'
import type { Timings } from './timings.js'

/** How many times longer than a command the way to a usable connection may take, loading the data set excepted. */
const CONNECT_COMMANDS = 4
/** What tells of a cluster, beside its connection as a whole, that a part of it came, went or was connected to anew. */
const CLUSTER_EVENTS = ['+node', '-node', 'subscribersReady']

/** What a link works with. */
export interface LinkPorts {
  /** Learns that the connection, or a part of it, is usable, perhaps anew: what it carried before is not to be relied on. */
  readonly onReady: () => void
  /** Called when the connection is lost or cannot be made, with what the client says about it. */
  readonly onLost: (reason: string) => void
}

/**
 * Watches a connection. One that is silently cut looks alive for minutes: it is asked now and then, and an answer that does not
 * come in time ends it. A cluster's connections are the client's to watch.
 */
export class Link {
  readonly client: Commands
  readonly #timer: NodeJS.Timeout
  readonly #connectMs: number
  readonly #listeners: Record<string, (error: Error) => void>
  #connectingSince = performance.now()
  #reason = 'the connection was lost'

  constructor (client: Commands, { checkMs, commandMs }: Timings, { onReady, onLost }: LinkPorts) {
    this.client = client
    this.#connectMs = CONNECT_COMMANDS * commandMs
    this.#listeners = {
      ready: () => { this.#reason = 'the connection was lost'; onReady() },
      error: ({ message }) => { this.#reason = message; if (!this.ready) onLost(message) },
      close: () => { this.#connectingSince = performance.now(); onLost(this.#reason) }
    }
    if (isCluster(client)) for (const event of CLUSTER_EVENTS) this.#listeners[event] = onReady
    for (const [event, listener] of Object.entries(this.#listeners)) client.on(event, listener)
    this.#timer = setInterval(() => { void this.#check() }, checkMs).unref()
  }

  get ready (): boolean {
    return this.client.status === 'ready'
  }

  /** Connects anew. */
  reconnect (): void {
    this.client.disconnect(true)
  }

  /** Ends the connection for good. */
  close (): void {
    clearInterval(this.#timer)
    for (const [event, listener] of Object.entries(this.#listeners)) this.client.off(event, listener)
    this.client.disconnect()
  }

  async #check (): Promise<void> {
    const { client } = this
    if (isCluster(client)) return
    if (client.status === 'ready') {
      await client.ping().catch(() => { if (this.ready) this.reconnect() })
    } else if (client.status === 'end') {
      // The client gives up when it is interrupted while it asks Sentinels.
      client.connect().catch(() => {})
    } else if (client.status !== 'reconnecting' && performance.now() - this.#connectingSince > this.#connectMs) {
      this.#connectingSince = performance.now()
      this.reconnect()
    }
  }
}
