import type { Entry } from './entry.js'
import { PublishError, PublisherCode } from './errors.js'
import type { Settings } from './options.js'

/** Interval of the check for entries whose time is over. */
const CHECK_MS = 500

/** Everything that has not settled: bounded, and each entry for a bounded time. */
export class Backlog {
  // All entries have the same time, so that the order of insertion is that of the deadlines.
  readonly #entries = new Set<Entry>()
  readonly #settings: Settings
  readonly #onExpired: (entry: Entry) => void
  #bytes = 0
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param onExpired called with entries whose time is over, possibly several times */
  constructor (settings: Settings, onExpired: (entry: Entry) => void) {
    this.#settings = settings
    this.#onExpired = onExpired
  }

  get size (): number {
    return this.#entries.size
  }

  get entries (): Entry[] {
    return [...this.#entries]
  }

  /** Throws MSG_ERR_PUBLISHER_FULL where there is no room for another entry. */
  assertRoom (channel: string, bytes: number): void {
    const { maxPending, maxPendingBytes } = this.#settings
    const full = this.size >= maxPending ? `${maxPending} messages are pending (maxPending)`
      : this.#bytes + bytes > maxPendingBytes && this.size > 0 ? `${maxPendingBytes} bytes are pending (maxPendingBytes)` : undefined
    if (full !== undefined)
      throw new PublishError(`The publisher is full: ${full}; await earlier messages, or flush()`, { code: PublisherCode.FULL, channel })
  }

  add (entry: Entry): void {
    this.#entries.add(entry)
    this.#bytes += entry.bytes
    this.#timer ??= setInterval(() => { this.#check() }, CHECK_MS)
  }

  delete (entry: Entry): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes
    if (this.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #check (): void {
    const now = performance.now()
    for (const entry of this.#entries) {
      if (entry.post.deadline > now) return
      this.#onExpired(entry)
    }
  }
}
