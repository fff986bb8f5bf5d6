import type { LogEntry, Replay, Since } from './broker.js'
import { ListItem } from './linked-list.js'

/** Memory of an entry besides its text: the object, its slot and the header of the string. */
const ENTRY_OVERHEAD_BYTES = 112

interface KeptMessage {
  readonly message: string
  readonly bytes: number
  /** When it was appended, in the clock of the broker. */
  readonly at: number
  /** The same in milliseconds since 1970. */
  readonly time: number
}

/** The messages of every empty log. */
const NONE: KeptMessage[] = []

/** Bounds of the messages that a log keeps. */
export interface Retention {
  /** Messages; 0 keeps none and still counts them. */
  readonly size: number
  /** Milliseconds. */
  readonly ttlMs: number
}

/** The numbered messages of one channel, of which the last few are kept. */
export class Log extends ListItem<Log> {
  /** Offset of the last message ever appended; 0 before the first. */
  head = 0
  /** Memory of the messages that are kept, in bytes, overhead included. */
  bytes = 0
  /** Set while the instance listens: the log may then be trimmed, but not dropped. */
  occupied = false
  /** When the last message was appended or the last listener left, in the clock of the broker. */
  usedAt = 0
  // Kept messages are #kept[#start…]; the front is cut off at intervals, so that trimming moves no messages each time.
  #kept: KeptMessage[] = NONE
  #start = 0

  constructor (readonly channel: string, readonly epoch: string) {
    super()
  }

  /** Number of messages kept, expired ones included until {@link expire}. */
  get size (): number {
    return this.#kept.length - this.#start
  }

  /** Numbers a message and keeps it within `retention`. `now` is in the clock of the broker, `time` in milliseconds since 1970. */
  append (message: string, retention: Retention, now: number, time = Date.now()): LogEntry {
    this.usedAt = now
    const offset = ++this.head
    if (retention.size > 0) {
      const kept = { message, bytes: textBytes(message) + ENTRY_OVERHEAD_BYTES, at: now, time }
      if (this.#kept === NONE) this.#kept = [kept]
      else this.#kept.push(kept)
      this.bytes += kept.bytes
      if (this.size > retention.size) this.trim()
    }
    this.expire(now - retention.ttlMs)
    return { epoch: this.epoch, offset, message, time }
  }

  /** Removes the messages that were appended before `at`. */
  expire (at: number): void {
    for (let oldest = this.#kept[this.#start]; oldest && oldest.at < at; oldest = this.#kept[this.#start]) this.trim()
  }

  /** Removes the oldest message. */
  trim (): void {
    this.bytes -= this.#kept[this.#start]?.bytes ?? 0
    this.#start++
    if (this.#start * 2 >= this.#kept.length) {
      this.#kept = this.size === 0 ? NONE : this.#kept.slice(this.#start)
      this.#start = 0
    }
  }

  /** Removes all messages; the epoch and the head stay. */
  clear (): void {
    this.#kept = NONE
    this.#start = 0
    this.bytes = 0
  }

  /** Reads at most `limit` messages after `since`. */
  read (since: Since, limit: number): Replay {
    const oldest = this.head - this.size
    const replay = (after: number): Replay => ({ epoch: this.epoch, after, head: this.head, entries: this.#slice(after, limit) })
    if (since === 'now') return replay(this.head)
    if (since === 'earliest') return replay(oldest)
    if (since.epoch !== this.epoch || since.offset > this.head) return { ...replay(oldest), reason: 'epoch' }
    if (since.offset < oldest) return { ...replay(oldest), reason: 'expired' }
    return replay(since.offset)
  }

  #slice (after: number, limit: number): LogEntry[] {
    const from = this.#start + after - (this.head - this.size)
    const { epoch } = this
    return this.#kept.slice(from, from + limit).map(({ message, time }, index) => ({ epoch, offset: after + 1 + index, message, time }))
  }
}

// V8 stores a string with one byte a character, or with two as soon as one character is beyond Latin-1. The exact distinction
// costs a scan; a UTF-8 length above the length of the text is an upper bound.
function textBytes (text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : text.length * 2
}
