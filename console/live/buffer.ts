import { type Entry, sizeOf } from './entry.js'

/** The last entries, oldest first: bounded in number and size. */
export class Buffer {
  readonly entries: Entry[] = []
  #bytes = 0

  constructor (readonly maxEntries = 1_000, readonly maxBytes = 8 * 1024 ** 2) {}

  /**
   * Adds an entry where its time puts it: the histories of several channels come one after another. The order within a channel
   * stays. Returns what had to go for it.
   */
  add (entry: Entry): Entry[] {
    const { entries } = this
    let index = entries.length
    while (isLater(entries[index - 1], entry)) index--
    if (index === entries.length) entries.push(entry)
    else entries.splice(index, 0, entry)
    this.#bytes += sizeOf(entry)
    const gone: Entry[] = []
    while (entries.length > this.maxEntries || (this.#bytes > this.maxBytes && entries.length > 1)) {
      const oldest = entries.shift() as Entry
      this.#bytes -= sizeOf(oldest)
      gone.push(oldest)
    }
    return gone
  }

  clear (): void {
    this.entries.length = 0
    this.#bytes = 0
  }
}

/** Whether an entry of another channel is later. */
function isLater (before: Entry | undefined, entry: Entry): boolean {
  return before !== undefined && before.channel !== entry.channel && before.time > entry.time
}
