import type { Position } from '../../../wire/id.js'
import type { LogEntry, Replay, Since } from '../../broker.js'

/** Messages read from the log at a time. */
const PAGE = 1_000
/** Notifications kept during a read of the log; earlier ones are read from the log. */
const MAX_HEARD = 1_000

/** Dependencies of {@link Feed}. */
export interface FeedPorts {
  /** Reads the channel's log. */
  read (since: Since, limit: number): Promise<Replay>
  /** Resolves when every earlier notification has arrived. */
  arrived (): Promise<void>
  /** Takes the next message of the channel. */
  deliver (entry: LogEntry): void
  /** Called when the next message follows this position, and not the last delivered message. */
  moved (position: Position): void
  /** Called when the log could not be read after a missed message: `catchUp` is to be called again. */
  onLag (): void
}

/**
 * The messages of one channel on this instance, in order. Notifications may be missed during a disconnect, arrive late or
 * overtake a read of the log: only the next offset is delivered, any other causes a read of the log.
 */
export class Feed {
  /** The epoch of the log; empty until the first read. */
  epoch = ''
  /** The offset of the last delivered message. */
  offset = 0
  readonly #ports: FeedPorts
  #reading: Promise<void> | undefined
  #again = false
  #heard: LogEntry[] = []

  constructor (ports: FeedPorts) {
    this.#ports = ports
  }

  /** Whether a read of the log shows that the feed has yet to follow it to another epoch. */
  isBehind (epoch: string): boolean {
    return this.epoch !== '' && this.epoch !== epoch
  }

  /** Takes a notification. */
  notify (entry: LogEntry): void {
    if (this.#reading !== undefined) {
      if (this.#heard.push(entry) > MAX_HEARD) {
        this.#heard = []
        this.#again = true
      }
    } else if (!this.#take(entry)) {
      this.catchUp().catch(() => { this.#ports.onLag() })
    }
  }

  /**
   * Delivers missed messages; the first call takes the position from the log. Resolves when all messages that were in the log at
   * the call are delivered. Rejects when the log cannot be read; the position is then unchanged.
   */
  catchUp (): Promise<void> {
    // A read in flight may be older than the caller's knowledge, so that another one follows it.
    this.#again = true
    return this.#reading ??= this.#readAll()
  }

  async #readAll (): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false
        await (this.epoch === '' ? this.#begin() : this.#read())
        // Continues from the end of the read, so that a busy channel needs no second read, which would be late as well.
        this.#takeHeard()
      }
    } finally {
      this.#heard = []
      this.#reading = undefined
    }
  }

  async #begin (): Promise<void> {
    const { epoch, head } = await this.#ports.read('now', 0)
    this.#move(epoch, head)
  }

  async #read (): Promise<void> {
    for (;;) {
      const { epoch, after, head, entries, reason } = await this.#ports.read({ epoch: this.epoch, offset: this.offset }, PAGE)
      if (reason !== undefined) {
        // Trimmed messages may still arrive: a log may be trimmed faster than notifications arrive, or keep nothing at all.
        if (reason === 'expired') await this.#ports.arrived()
        this.#takeHeard()
        if (this.epoch === epoch && this.offset >= head) return
        this.#move(epoch, head)
        return
      }
      // Another epoch without a reason is the same log, which continues under that name.
      if (this.epoch !== epoch) this.#move(epoch, after)
      for (const entry of entries) this.#hand(entry)
      if (this.offset >= head || entries.length === 0) return
    }
  }

  #takeHeard (): void {
    for (const entry of this.#heard.splice(0)) if (!this.#take(entry)) this.#again = true
  }

  /** Delivers a message when it is the next one; returns `false` when others before it are missing. */
  #take (entry: LogEntry): boolean {
    if (entry.epoch !== this.epoch || entry.offset > this.offset + 1) return false
    if (entry.offset > this.offset) this.#hand(entry)
    return true
  }

  /** Each subscriber continues reading from its own position, which decides whether it has a gap. */
  #move (epoch: string, offset: number): void {
    this.epoch = epoch
    this.offset = offset
    this.#ports.moved({ epoch, offset })
  }

  #hand (entry: LogEntry): void {
    this.offset = entry.offset
    this.#ports.deliver(entry)
  }
}
