import type { Timings } from '../connection/timings.js'

/** Reports that may be due at once before it is this node that was not awake. */
const MAX_LATE_REPORTS = 3

/** What a node says about itself. */
export interface Report {
  readonly node: string
  /** Counts up with each report; a number left out means that a report was missed. */
  readonly number: number
  /** Whether `counts` holds every occupied channel, or only those that changed since the last report. */
  readonly full: boolean
  readonly counts: ReadonlyMap<string, number>
  /** Set in the last one. */
  readonly leaves?: true
}

/** A request for full reports: from one node, or from all. */
export interface Request {
  /** Who wants to know. */
  readonly from: string
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
  readonly #timings: Pick<Timings, 'reportMs' | 'nodeTtlMs'>
  readonly #timer: NodeJS.Timeout
  #number = 0
  #connected = false
  #tickedAt = performance.now()
  #toldAllAt = -Infinity
  /** Whether the next report has to be a full one. */
  #owesAll = false

  constructor (node: string, timings: Pick<Timings, 'reportMs' | 'nodeTtlMs'>, ports: CensusPorts) {
    this.#node = node
    this.#timings = timings
    this.#ports = ports
    this.#timer = setInterval(() => { this.#tick() }, timings.reportMs).unref()
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
    this.#spare()
    this.#reportAll()
    this.#send({ from: this.#node, ask: '*' })
  }

  /** To be called when they cannot: the last known counts stay. */
  disconnected (): void {
    this.#connected = false
  }

  /** Takes what a node sent, which may be this one. Anything else is ignored. */
  receive (text: string): void {
    const message = parseMessage(text)
    if (message === undefined) return
    if ('ask' in message) {
      if (message.from !== this.#node && (message.ask === '*' || message.ask === this.#node)) this.#answer()
    } else if (message.node !== this.#node) {
      this.#take(message)
    }
  }

  /** Says that this node's subscribers are gone. */
  stop (): void {
    clearInterval(this.#timer)
    this.#send({ node: this.#node, number: ++this.#number, full: true, counts: new Map(), leaves: true })
  }

  #meet (node: string): Peer {
    let peer = this.#peers.get(node)
    if (peer === undefined) this.#peers.set(node, peer = { number: 0, heardAt: 0, counts: new Map() })
    return peer
  }

  #take ({ node, number, full, counts, leaves }: Report): void {
    const peer = this.#meet(node)
    const complete = full || number === peer.number + 1
    peer.number = number
    peer.heardAt = performance.now()
    if (!complete) this.#send({ from: this.#node, ask: node })
    if (full) for (const channel of peer.counts.keys()) if (!counts.has(channel)) this.#set(peer, channel, 0)
    for (const [channel, count] of counts) this.#set(peer, channel, count)
    if (leaves === true) this.#peers.delete(node)
  }

  #set (peer: Peer, channel: string, count: number): void {
    const total = (this.#elsewhere.get(channel) ?? 0) + count - (peer.counts.get(channel) ?? 0)
    if (count === 0) peer.counts.delete(channel)
    else peer.counts.set(channel, count)
    if (total === 0) this.#elsewhere.delete(channel)
    else this.#elsewhere.set(channel, total)
  }

  #tick (): void {
    const now = performance.now()
    const late = now - this.#tickedAt > MAX_LATE_REPORTS * this.#timings.reportMs
    this.#tickedAt = now
    if (!this.#connected) return
    // What the others said while this node stood still is yet to be read.
    if (late) this.#spare()
    for (const [node, peer] of this.#peers) {
      if (peer.heardAt > now - this.#timings.nodeTtlMs) continue
      for (const channel of [...peer.counts.keys()]) this.#set(peer, channel, 0)
      this.#peers.delete(node)
    }
    if (this.#owesAll) this.#reportAll()
    else this.#report(this.#changed, false)
  }

  /** Lets the time of every node begin anew. */
  #spare (): void {
    const now = performance.now()
    for (const peer of this.#peers.values()) peer.heardAt = now
  }

  /** Answers a request at once, but many at the same time with one report: when Redis returns, every node asks every other. */
  #answer (): void {
    if (performance.now() - this.#toldAllAt < this.#timings.reportMs) this.#owesAll = true
    else this.#reportAll()
  }

  #reportAll (): void {
    this.#owesAll = !this.#report(this.#ports.occupied(), true)
    this.#toldAllAt = performance.now()
  }

  #report (channels: Iterable<string>, full: boolean): boolean {
    const counts = new Map(Array.from(channels, (channel) => [channel, this.#ports.count(channel)]))
    const sent = this.#send({ node: this.#node, number: ++this.#number, full, counts })
    if (sent) this.#changed.clear()
    return sent
  }

  #send (message: Report | Request): boolean {
    return this.#ports.send(JSON.stringify('counts' in message ? { ...message, counts: Object.fromEntries(message.counts) } : message))
  }
}

/** A message of another process; `undefined` for anything else. Cannot throw. */
export function parseMessage (text: string): Report | Request | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { from, ask, node, number, full, counts, leaves } = value as Record<string, unknown>
  if (typeof from === 'string' && typeof ask === 'string') return { from, ask }
  if (typeof node !== 'string' || !isCount(number) || typeof full !== 'boolean' || typeof counts !== 'object' || counts === null) return undefined
  const known = Object.entries(counts).filter((entry): entry is [string, number] => isCount(entry[1]))
  return { node, number, full, counts: new Map(known), ...leaves === true && { leaves } }
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
