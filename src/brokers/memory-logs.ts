import { randomBytes } from 'node:crypto'
import { ownText } from '../wire/text.js'
import type { LogEntry, Replay, Since } from './broker.js'
import { LinkedList } from './linked-list.js'
import { Log, type Retention } from './log.js'

/** Memory of a log besides its messages and the channel's name: objects and slots in the tables. */
const LOG_OVERHEAD_BYTES = 400
/** Time for which the position of an unused log outlives its messages, so that a client that missed nothing resumes without a gap. */
const POSITION_TTL_MS = 3_600_000

/** Bounds of {@link MemoryLogs}. */
export interface MemoryBounds extends Retention {
  /** Memory of all logs, overhead included; the least recently used are dropped first. */
  readonly maxBytes: number
}

/**
 * The logs of this process, within a bound of memory. All times are of one monotonic clock.
 *
 * A log is in one of four states: occupied and empty (in neither list below), with messages (`#kept`), unused and
 * without messages (`#idle`: its epoch and head are still known), or dropped.
 */
export class MemoryLogs {
  readonly #bounds: MemoryBounds
  readonly #logs = new Map<string, Log>()
  readonly #kept = new LinkedList<Log>()
  readonly #idle = new LinkedList<Log>()
  readonly #epochs = new Epochs()
  #bytes = 0

  constructor (bounds: MemoryBounds) {
    this.#bounds = bounds
  }

  /** Memory of all logs in bytes, as it is counted against `maxBytes`. */
  get bytes (): number {
    return this.#bytes
  }

  /** Number of logs, those without messages included. */
  get size (): number {
    return this.#logs.size
  }

  append (channel: string, message: string, now: number): LogEntry {
    const log = this.#logs.get(channel) ?? this.#create(channel)
    const before = log.bytes
    const entry = log.append(message, this.#bounds, now)
    this.#bytes += log.bytes - before
    this.#file(log)
    if (this.#bytes > this.#bounds.maxBytes) this.#evict(log)
    return entry
  }

  read (channel: string, since: Since, limit: number, now: number): Replay {
    const log = this.#logs.get(channel)
    if (log === undefined) return new Log(channel, this.#epochs.current).read(since, limit)
    this.#expire(log, now)
    return log.read(since, limit)
  }

  /** Keeps the log of a channel until {@link release}. */
  occupy (channel: string): Log {
    const log = this.#logs.get(channel) ?? this.#create(channel)
    log.occupied = true
    // The number of connections bounds the occupied logs, so that their overhead is not charged to the history.
    this.#bytes -= overhead(log)
    if (log.list === this.#idle) this.#idle.delete(log)
    return log
  }

  release (channel: string, now: number): void {
    const log = this.#logs.get(channel)
    if (!log?.occupied) return
    log.occupied = false
    log.usedAt = now
    this.#bytes += overhead(log)
    // Nothing was ever published: a later log under the same epoch is the same log, so that nothing needs to be remembered.
    if (log.head === 0) this.#drop(log)
    else this.#file(log)
  }

  /** Removes expired messages and positions. */
  sweep (now: number): void {
    for (let log = this.#kept.first; log && log.usedAt < now - this.#bounds.ttlMs; log = this.#kept.first) this.#clear(log)
    const forgotten = now - Math.max(POSITION_TTL_MS, this.#bounds.ttlMs)
    for (let log = this.#idle.first; log && log.usedAt < forgotten; log = this.#idle.first) this.#drop(log)
  }

  clear (): void {
    this.#logs.clear()
    this.#bytes = 0
  }

  #create (channel: string): Log {
    // The name is a slice of the request's URL.
    const log = new Log(ownText(channel), this.#epochs.current)
    this.#logs.set(log.channel, log)
    this.#bytes += overhead(log)
    return log
  }

  /** Puts a log at the end of the list of its state. */
  #file (log: Log): void {
    if (log.size > 0) this.#kept.push(log)
    else if (!log.occupied) this.#idle.push(log)
    else log.list?.delete(log)
  }

  #expire (log: Log, now: number): void {
    const before = log.bytes
    log.expire(now - this.#bounds.ttlMs)
    this.#bytes += log.bytes - before
    if (before > 0 && log.size === 0) this.#file(log)
  }

  /** Frees memory until the logs fit again; of the log in use only as much as necessary. */
  #evict (used: Log): void {
    while (this.#bytes > this.#bounds.maxBytes) {
      const log = this.#idle.first ?? this.#kept.first
      if (log === undefined || (log === used && used.size === 0)) return
      if (log === used) this.#shrink(log)
      else if (log.occupied) this.#clear(log)
      else this.#drop(log)
    }
  }

  #shrink (log: Log): void {
    const before = log.bytes
    while (log.size > 0 && this.#bytes - before + log.bytes > this.#bounds.maxBytes) log.trim()
    this.#bytes += log.bytes - before
    if (before > 0 && log.size === 0) this.#file(log)
  }

  #clear (log: Log): void {
    this.#bytes -= log.bytes
    log.clear()
    this.#file(log)
  }

  #drop (log: Log): void {
    this.#logs.delete(log.channel)
    log.list?.delete(log)
    this.#bytes -= log.bytes + overhead(log)
    if (log.head > 0) this.#epochs.rotate()
  }
}

function overhead (log: Log): number {
  return LOG_OVERHEAD_BYTES + log.channel.length
}

/**
 * Epochs for new logs. All logs that are created between two losses share one: an epoch has to differ only from those of
 * earlier logs of the same channel, and idle channels cost nothing because an empty log can be dropped and created again
 * under the same epoch.
 */
class Epochs {
  readonly #seed = BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)
  #count = 0
  current = this.#seed

  rotate (): void {
    this.current = `${this.#seed}-${(++this.#count).toString(36)}`
  }
}
