import type { Cluster, Redis } from 'ioredis'
import { type Commands, isCluster } from './connection.js'
import { isTimeout, rejectionOf } from './refusal.js'
import type { Timings } from './timings.js'

/** Time limit for a usable connection as a multiple of the limit for a command. */
const CONNECT_COMMANDS = 4
/** The events of a cluster's client when a part of the cluster was added, removed or reconnected. */
const CLUSTER_EVENTS = ['+node', '-node', 'subscribersReady']
/** The states of a client with a connection to end; in all others a reconnect is due already. */
const CONNECTED: readonly string[] = ['connecting', 'connect', 'ready']
const LOST = 'the connection was lost'
/** Late answers after which a connection is lost although something arrives on it. */
const MAX_UNANSWERED = 3

/** Dependencies of {@link Link}. */
export interface LinkPorts {
  /** Opens the connection. */
  readonly open: () => Commands
  /** Called when the connection, or a part of it, is usable, possibly after a reconnect: earlier subscriptions may be lost. */
  readonly onReady: () => void
  /** Called when the connection is lost or cannot be made, with the error text of the client. */
  readonly onLost: (reason: string) => void
  /** Called with each message of a sharded subscription. */
  readonly onMessage?: (name: string, text: string) => void
  /** Called with each message of another subscription. */
  readonly onPublished?: (name: string, text: string) => void
}

/** A connection whose client may be replaced: it is to be read for each use. */
export type Connection = Pick<Link, 'client'>

/**
 * Monitors a connection. A silently cut connection appears alive for minutes: a periodic check ends it when the answer is late.
 * The connections of a cluster are monitored by the client; a client that does not get ready is replaced.
 */
export class Link {
  readonly #open: () => Commands
  readonly #onLost: (reason: string) => void
  readonly #timer: NodeJS.Timeout
  readonly #connectMs: number
  readonly #listeners: Map<string, (...args: unknown[]) => void>
  #client: Commands
  #connectingSince = performance.now()
  #reason = LOST
  /** Late answers in succession. */
  #unanswered = 0
  /** Since when the connection is about to end, after which it is made again. */
  #endingSince = -Infinity

  constructor ({ checkMs, commandMs }: Timings, { open, onReady, onLost, onMessage, onPublished }: LinkPorts) {
    this.#open = open
    this.#connectMs = CONNECT_COMMANDS * commandMs
    this.#listeners = new Map<string, (...args: unknown[]) => void>([
      ['ready', () => { this.#endingSince = -Infinity; this.#unanswered = 0; this.#reason = LOST; onReady() }],
      ['error', (error) => { this.#failed((error as Error).message) }],
      ['close', () => { this.#lost() }],
      ['end', () => { this.#endingSince = -Infinity }],
      ['smessage', (name, text) => { onMessage?.(name as string, text as string) }],
      ['message', (name, text) => { onPublished?.(name as string, text as string) }]
    ])
    this.#onLost = onLost
    this.#client = open()
    if (isCluster(this.#client)) for (const event of CLUSTER_EVENTS) this.#listeners.set(event, onReady)
    this.#listen()
    this.#timer = setInterval(() => { void this.#check() }, checkMs).unref()
  }

  /** The client; a reconnect to a cluster replaces it. */
  get client (): Commands {
    return this.#client
  }

  get ready (): boolean {
    return this.#client.status === 'ready'
  }

  /**
   * Reconnects. A cluster's client is replaced: when ioredis 6.0.0 ends the connection of a sharded subscriber that is not ready
   * yet, it waits for that one forever (ClusterSubscriberGroup.reset), and subscribes to nothing any more.
   */
  reconnect (): void {
    // Several channels may find the same dead connection. A client that was about to connect may continue without an event.
    if (performance.now() - this.#endingSince < this.#connectMs) return
    if (isCluster(this.#client)) {
      if (this.ready) this.#replace()
    } else if (CONNECTED.includes(this.#client.status)) {
      this.#endingSince = performance.now()
      this.#client.disconnect(true)
    }
  }

  /**
   * Sends a command that is answered at once. Reconnects where the answer is late and nothing else has arrived meanwhile. Otherwise this
   * process may have been too busy to read it: a reconnect would have all channels catch up, which makes it busier.
   */
  async probe<T> (send: (client: Redis) => Promise<T>): Promise<T> {
    const client = this.#client as Redis
    const before = bytesRead(client)
    try {
      const answer = await send(client)
      this.#unanswered = 0
      return answer
    } catch (error) {
      // A late timer runs before what has arrived meanwhile is read.
      await new Promise((resolve) => { setImmediate(resolve) })
      if (this.ready && isTimeout(error) && (++this.#unanswered === MAX_UNANSWERED || bytesRead(client) === before)) this.reconnect()
      throw error
    }
  }

  /** Ends the connection for good. */
  close (): void {
    clearInterval(this.#timer)
    this.#end()
  }

  #failed (reason: string): void {
    this.#reason = reason
    if (!this.ready) this.#onLost(reason)
  }

  #lost (): void {
    this.#endingSince = -Infinity
    this.#connectingSince = performance.now()
    this.#onLost(this.#reason)
  }

  #listen (): void {
    for (const [event, listener] of this.#listeners) this.#client.on(event, listener)
  }

  #replace (): void {
    this.#end()
    this.#client = this.#open()
    this.#listen()
    this.#lost()
  }

  #end (): void {
    for (const [event, listener] of this.#listeners) this.#client.off(event, listener)
    this.#client.disconnect()
  }

  async #check (): Promise<void> {
    const client = this.#client
    const connectingMs = performance.now() - this.#connectingSince
    if (isCluster(client)) {
      // ioredis 6.0.0 forgets a reconnect that is requested while it looks up addresses. An attempt asks one node after the other.
      if (!this.ready && connectingMs > this.#connectMs * Math.max(1, nodesOf(client))) this.#replace()
    } else if (client.status === 'ready') {
      await rejectionOf(this.probe((client) => client.ping()))
    } else if (client.status === 'end') {
      // The client gives up when it is interrupted during its requests to Sentinels.
      client.connect().catch(() => {})
    } else if (client.status !== 'reconnecting' && connectingMs > this.#connectMs) {
      this.#connectingSince = performance.now()
      this.reconnect()
    }
  }
}

/** The number of nodes that a cluster's client knows; 0 where one of another library does not tell. */
function nodesOf (client: Partial<Cluster>): number {
  return client.nodes?.().length ?? 0
}

/** The bytes that have arrived on a connection, where its client tells. */
function bytesRead (client: Redis): number | undefined {
  return (client as Partial<Redis>).stream?.bytesRead
}
