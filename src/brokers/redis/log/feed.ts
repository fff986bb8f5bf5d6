import type { Position } from '../../../wire/id.js'
import type { LogEntry, Replay, Since } from '../../broker.js'

/** Messages read from the log at a time. */
const PAGE = 1_000
/** Notifications kept while the log is read; those before them are read instead. */
const MAX_HEARD = 1_000

/** Dependencies of {@link Feed}. */
export interface FeedPorts {
  /** Reads the channel's log. */
  read (since: Since, limit: number): Promise<Replay>
  /** Resolves when every notification has arrived that was sent before. */
  arrived (): Promise<void>
  /** Takes the next message of the channel. */
  deliver (entry: LogEntry): void
  /** Called when the messages that follow come after this position, and not after the last one that was handed on. */
  moved (position: Position): void
  /** Called when the log could not be read after a message was missed: `catchUp` is to be called again. */
  onLag (): void
}

/**
 * The messages of one channel on this node, in order. Notifications may be missed while a connection is away, arrive late or
 * overtake a read of the log: only the next offset is handed on, anything else makes the feed read the log.
 */
export class Feed {
  /** The log; empty until it was read for the first time. */
  epoch = ''
  /** The last message handed on. */
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
   * Hands on what was missed; the first time it takes the position from the log. Resolves when everything is handed on that
   * was in the log when it was called. Rejects when the log cannot be read; the feed then stays where it is.
   */
  catchUp (): Promise<void> {
    // A read that is under way may be older than what the caller knows of, so that another one follows it.
    this.#again = true
    return this.#reading ??= this.#readAll()
  }

  async #readAll (): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false
        await (this.epoch === '' ? this.#begin() : this.#read())
        // Taken from where the read ended, so that a busy channel needs no second read, which would be late as well.
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
        // What is not kept any more may be on its way: a log may be trimmed faster than notifications come, or keep nothing at all.
        if (reason === 'expired') await this.#ports.arrived()
        this.#takeHeard()
        if (this.epoch === epoch && this.offset >= head) return
        this.#move(epoch, head)
        return
      }
      // Another epoch without a reason is the same log, which goes on under that name.
      if (this.epoch !== epoch) this.#move(epoch, after)
      for (const entry of entries) this.#hand(entry)
      if (this.offset >= head || entries.length === 0) return
    }
  }

  #takeHeard (): void {
    for (const entry of this.#heard.splice(0)) if (!this.#take(entry)) this.#again = true
  }

  /** Hands a message on when it is the next one; `false` when others are missing before it. */
  #take (entry: LogEntry): boolean {
    if (entry.epoch !== this.epoch || entry.offset > this.offset + 1) return false
    if (entry.offset > this.offset) this.#hand(entry)
    return true
  }

  /** Every subscriber reads on from its own position, which decides whether it has a gap. */
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
