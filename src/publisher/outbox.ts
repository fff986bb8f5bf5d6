import type { Entry } from './entry.js'

/** Messages of a batch, as many as the service takes. */
const MAX_ENTRIES = 1_000
/** Bytes of a body around its entries. */
const BODY_BYTES = 32

/**
 * The pending messages by channel, each in the order of its publishes. A channel is in one request at a time, and its messages go back
 * to its head before the next one is taken, so that a later message never overtakes one that is repeated.
 */
export class Outbox {
  readonly #queues = new Map<string, Entry[]>()
  /** Channels with messages that can be taken. */
  readonly #ready = new Set<string>()
  /** Channels in a request. */
  readonly #busy = new Set<string>()

  add (entry: Entry): void {
    const { channel } = entry.post
    const queue = this.#queues.get(channel)
    if (queue === undefined) this.#queues.set(channel, [entry])
    else queue.push(entry)
    if (!this.#busy.has(channel)) this.#ready.add(channel)
  }

  /** Removes a message; returns whether it was here, and not in a request. */
  remove (entry: Entry): boolean {
    const { channel } = entry.post
    const queue = this.#queues.get(channel) ?? []
    const index = queue.indexOf(entry)
    if (index < 0) return false
    queue.splice(index, 1)
    this.#tidy(channel, queue)
    return true
  }

  /** Takes the messages of the next request; their channels are busy until {@link giveBack}. Empty when there are none. */
  take (maxBytes: number): Entry[] {
    const batch: Entry[] = []
    let bytes = BODY_BYTES
    for (const channel of this.#ready) {
      const queue = this.#queues.get(channel) as Entry[]
      let count = 0
      for (const entry of queue) {
        const full = batch.length === MAX_ENTRIES || bytes + entry.bytes > maxBytes
        // One that waits for receipts is a request of its own; a message that is larger than a batch is one, too.
        const alone = entry.post.waitSeconds > 0
        if (batch.length > 0 && (full || alone)) break
        batch.push(entry)
        bytes += entry.bytes
        count++
        if (alone) bytes = Infinity
      }
      if (count > 0) {
        queue.splice(0, count)
        this.#ready.delete(channel)
        this.#busy.add(channel)
      }
      if (batch.length === MAX_ENTRIES || bytes >= maxBytes) break
    }
    return batch
  }

  /** Ends a request for `taken`: `again`, in order, go back to the heads of their channels, which can be taken again. */
  giveBack (taken: readonly Entry[], again: readonly Entry[]): void {
    const heads = new Map<string, Entry[]>()
    for (const { post: { channel } } of taken) heads.set(channel, [])
    for (const entry of again) heads.get(entry.post.channel)?.push(entry)
    for (const [channel, entries] of heads) {
      this.#busy.delete(channel)
      const queue = [...entries, ...this.#queues.get(channel) ?? []]
      this.#queues.set(channel, queue)
      // Behind the others, so that a busy channel does not keep them waiting.
      this.#ready.add(channel)
      this.#tidy(channel, queue)
    }
  }

  #tidy (channel: string, queue: Entry[]): void {
    if (queue.length > 0) return
    this.#queues.delete(channel)
    this.#ready.delete(channel)
  }
}
