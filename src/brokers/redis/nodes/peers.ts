import type { Report } from './reports.js'

interface Peer {
  number: number
  heardAt: number
  readonly counts: Map<string, number>
}

/** The reported subscribers on other instances. Times are those of `performance.now()`. */
export class Peers {
  readonly #peers = new Map<string, Peer>()
  /** The sums of the counts, by channel. */
  readonly #totals = new Map<string, number>()

  /** Subscribers of a channel on all other instances. */
  total (channel: string): number {
    return this.#totals.get(channel) ?? 0
  }

  /** Names of the channels that have subscribers on other instances. */
  channels (): Iterable<string> {
    return this.#totals.keys()
  }

  /** The other instances, each with its subscribers of a channel. */
  counts (channel: string): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#peers, ([node, { counts }]) => [node, counts.get(channel) ?? 0]))
  }

  /** Takes a report; returns `false` when an earlier one was missed, so that a full report has to be requested. */
  take ({ node, number, full, counts, leaves }: Report, now: number): boolean {
    const peer = this.#meet(node)
    const complete = full || number === peer.number + 1
    peer.number = number
    peer.heardAt = now
    if (full) for (const channel of peer.counts.keys()) if (!counts.has(channel)) this.#set(peer, channel, 0)
    for (const [channel, count] of counts) this.#set(peer, channel, count)
    if (leaves === true) this.#remove(node, peer)
    return complete
  }

  /** Removes the instances whose last report arrived at `time` or before. */
  forget (time: number): void {
    for (const [node, peer] of this.#peers) {
      if (peer.heardAt <= time) this.#remove(node, peer)
    }
  }

  /** Treats all instances as if they had reported now. */
  spare (now: number): void {
    for (const peer of this.#peers.values()) peer.heardAt = now
  }

  #remove (node: string, peer: Peer): void {
    for (const channel of [...peer.counts.keys()]) this.#set(peer, channel, 0)
    this.#peers.delete(node)
  }

  #meet (node: string): Peer {
    let peer = this.#peers.get(node)
    if (peer === undefined) this.#peers.set(node, peer = { number: 0, heardAt: 0, counts: new Map() })
    return peer
  }

  #set (peer: Peer, channel: string, count: number): void {
    const total = this.total(channel) + count - (peer.counts.get(channel) ?? 0)
    if (count === 0) peer.counts.delete(channel)
    else peer.counts.set(channel, count)
    if (total === 0) this.#totals.delete(channel)
    else this.#totals.set(channel, total)
  }
}
