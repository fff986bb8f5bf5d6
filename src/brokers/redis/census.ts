const REPORT_INTERVAL_MS = 1_000
/** A node that was not heard of for so long is gone. */
const NODE_TTL_MS = 10_000

/** What a node says about itself. */
interface Report {
  readonly node: string
  /** Counts up with each report; a number left out means that a report was missed. */
  readonly number: number
  /** Whether `counts` holds every occupied channel, or only those that changed since the last report. */
  readonly full: boolean
  readonly counts: Record<string, number>
}

/** A request for full reports: from one node, or from all. */
interface Request {
  readonly ask: string
}

interface Peer {
  number: number
  heardAt: number
  readonly counts: Map<string, number>
}

/** What a census works with. */
export interface CensusPorts {
  /** Subscribers of a channel on this node. */
  count (channel: string): number
  /** Names of the channels that are occupied on this node. */
  occupied (): Iterable<string>
  /** Sends a text to the other nodes; `false` when that is not possible now. */
  send (text: string): boolean
}

/**
 * Knows how many subscribers a channel has on all nodes together. Each node reports what changed once a second, so that a count
 * is known without asking; a node that falls silent is forgotten.
 */
export class Census {
  readonly #node: string
  readonly #ports: CensusPorts
  readonly #peers = new Map<string, Peer>()
  /** Subscribers on other nodes. */
  readonly #elsewhere = new Map<string, number>()
  readonly #changed = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #number = 0
  #connected = false

  constructor (node: string, ports: CensusPorts) {
    this.#node = node
    this.#ports = ports
    this.#timer = setInterval(() => { this.#tick() }, REPORT_INTERVAL_MS).unref()
  }

  /** Subscribers of a channel on all nodes. */
  total (channel: string): number {
    return this.#ports.count(channel) + (this.#elsewhere.get(channel) ?? 0)
  }

  /** To be called when the number of subscribers on this node changed. */
  changed (channel: string): void {
    this.#changed.add(channel)
  }

  /** To be called when the nodes can hear each other again. Silence up to now says nothing about a node. */
  connected (): void {
    this.#connected = true
    const now = performance.now()
    for (const peer of this.#peers.values()) peer.heardAt = now
    this.#reportAll()
    this.#send({ ask: '*' })
  }

  /** To be called when they cannot: the last known counts stay. */
  disconnected (): void {
    this.#connected = false
  }

  /** Takes what another node sent. */
  receive (text: string): void {
    const message = JSON.parse(text) as Report | Request
    if ('ask' in message) {
      if (message.ask === '*' || message.ask === this.#node) this.#reportAll()
    } else if (message.node !== this.#node) {
      this.#take(message)
    }
  }

  /** Says that this node's subscribers are gone. */
  stop (): void {
    clearInterval(this.#timer)
    this.#send({ node: this.#node, number: ++this.#number, full: true, counts: {} })
  }

  #take ({ node, number, full, counts }: Report): void {
    let peer = this.#peers.get(node)
    if (peer === undefined) this.#peers.set(node, peer = { number: 0, heardAt: 0, counts: new Map() })
    const complete = full || number === peer.number + 1
    peer.number = number
    peer.heardAt = performance.now()
    if (!complete) this.#send({ ask: node })
    if (full) for (const channel of peer.counts.keys()) if (!Object.hasOwn(counts, channel)) this.#set(peer, channel, 0)
    for (const [channel, count] of Object.entries(counts)) this.#set(peer, channel, count)
  }

  #set (peer: Peer, channel: string, count: number): void {
    const total = (this.#elsewhere.get(channel) ?? 0) + count - (peer.counts.get(channel) ?? 0)
    if (count === 0) peer.counts.delete(channel)
    else peer.counts.set(channel, count)
    if (total === 0) this.#elsewhere.delete(channel)
    else this.#elsewhere.set(channel, total)
  }

  #tick (): void {
    if (!this.#connected) return
    const silent = performance.now() - NODE_TTL_MS
    for (const [node, peer] of this.#peers) {
      if (peer.heardAt > silent) continue
      for (const channel of [...peer.counts.keys()]) this.#set(peer, channel, 0)
      this.#peers.delete(node)
    }
    this.#report(this.#changed, false)
  }

  #reportAll (): void {
    this.#report(this.#ports.occupied(), true)
  }

  #report (channels: Iterable<string>, full: boolean): void {
    const counts = Object.fromEntries(Array.from(channels, (channel) => [channel, this.#ports.count(channel)]))
    if (this.#send({ node: this.#node, number: ++this.#number, full, counts })) this.#changed.clear()
  }

  #send (message: Report | Request): boolean {
    return this.#ports.send(JSON.stringify(message))
  }
}
