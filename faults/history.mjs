import { parseId } from './ledger.mjs'

/** Entries of a history that a report shows. */
const EXCERPT = 12
/** The reason that clients give for a hole of which the server said nothing. */
const UNANNOUNCED = 'missed'

/**
 * The messages of one subscriber on one channel, checked as they arrive: each id is the successor of the one before it, or a gap
 * was announced between the two. An epoch may change without a gap where the position was carried over: the offsets then go on.
 * Kept as runs of successive offsets, so that a million messages are a few hundred entries.
 */
export class History {
  name
  channel
  /** Whether every change of the epoch is announced to it, as to all but a WebSocket without a position and the user of the client. */
  isTold = false
  /** Whether it keeps nothing but its last position, so that it may be led back behind a gap, as between two masters. */
  isForgetful = false
  /** Whether it cannot ask for what it missed between two connections. */
  mayLeave = false
  messages = 0
  duplicates = 0
  /** Changes to another epoch without a gap. */
  carried = 0
  /** Changes back to an epoch that was left, behind a gap, as between two masters; a forgetful reader has messages of it again. */
  returns = 0
  /** Announced gaps by reason. */
  gaps = {}
  /** Gaps behind which the offsets went on. */
  needlessGaps = 0
  /** In order: `{ run, … }`, `{ gap }` and `{ note }`. */
  #entries = []
  /** The runs among them. */
  #runs = []
  /** Where the next message has to follow: the last message, or a position that was announced since. */
  #position
  /** The gap behind the last message: `{ reason, isOfEpoch, hasLeft, position }`; `hasLeft`: whether it led to another epoch meanwhile. */
  #gap
  #watcher

  /**
   * @param watcher `report(violation)` is called with `{ kind, channel, subscriber, text, excerpt }`; `carry(from, epoch)` when all
   *   up to a position turned out to be part of another epoch, too; `now()` is the clock of the notes, in milliseconds
   */
  constructor (name, channel, { report, carry = () => {}, now = () => performance.now() }) {
    this.name = name
    this.channel = channel
    this.#watcher = { report, carry, now }
  }

  /** Where the subscriber goes on: the id of the last message or a later announced position, or `undefined` before the first message. */
  get lastId () {
    return this.#runs.length === 0 ? undefined : `${this.#position.epoch}:${this.#position.offset}`
  }

  /** The runs of successive messages; `gap` says whether one was announced before it, `isOfEpoch` whether one that tells of another log. */
  get runs () {
    return this.#runs
  }

  /** The gap announced behind the last message. */
  get lastGap () {
    return this.#gap
  }

  /** Whether a message of this epoch, at this offset or behind it, was handed over. */
  reaches ({ epoch, offset }) {
    return this.#runs.some((run) => run.epoch === epoch && run.last >= offset)
  }

  /** Notes what explains the history to who reads it: a connection made, lost, refused. */
  note (text) {
    this.#entries.push({ note: text, at: this.#watcher.now() })
  }

  /** A gap was announced; `id` is the position behind it, where that was told. */
  gap (reason, id) {
    this.gaps[reason] = (this.gaps[reason] ?? 0) + 1
    const position = parseId(id)
    const hasLeft = this.#gap?.hasLeft === true || (position !== undefined && position.epoch !== this.#runs.at(-1)?.epoch)
    this.#gap = { reason, isOfEpoch: reason === 'epoch' || this.#gap?.isOfEpoch === true, hasLeft, position }
    if (position !== undefined) this.#position = position
    this.#entries.push({ note: `gap announced: ${reason}${id === undefined ? '' : `, at ${id}`}`, at: this.#watcher.now() })
    if (reason === UNANNOUNCED) this.#violate('hole', 'the server skipped messages without a word; only the client noticed')
  }

  /** A stream said that it stands at `id` and that nothing is missing before it. */
  position (id) {
    const position = parseId(id)
    if (position === undefined) { this.#violate('malformed', `a position is ${id}`); return }
    const before = this.#position
    this.#position = position
    if (before === undefined) return
    if (position.offset !== before.offset) this.#violate(position.offset > before.offset ? 'hole' : 'order', `a stream said that it goes on at ${id} with nothing missing, after ${before.epoch}:${before.offset}`)
    else if (position.epoch !== before.epoch) this.#carryOver(before, position.epoch)
  }

  /** Takes a message; returns its position, or `undefined` when the id is not one. */
  message (id) {
    const position = parseId(id)
    if (position === undefined) { this.#violate('malformed', `a message has the id ${id}`); return undefined }
    this.messages++
    const { epoch, offset } = position
    const run = this.#runs.at(-1)
    if (run !== undefined && epoch === run.epoch && offset === run.last + 1 && this.#gap === undefined && this.#position.epoch === epoch) {
      run.last = offset
      run.until = this.#watcher.now()
    } else if (this.#isInOrder(id, position)) {
      this.#begin(id, position)
    } else {
      return position
    }
    this.#position = position
    return position
  }

  /** The last entries as lines of text. */
  excerpt (count = EXCERPT) {
    return this.#entries.slice(-count).map(({ epoch, first, last, at, until, note }) => {
      const time = `${(at / 1000).toFixed(3)} s`
      return note === undefined ? `${time}  ${epoch}:${first} … ${last}  (until ${(until / 1000).toFixed(3)} s)` : `${time}  ${note}`
    })
  }

  /** Reports what was handed over before, or is out of order. Behind a gap an epoch may come back. */
  #isInOrder (id, { epoch, offset }) {
    const before = this.#runs.at(-1)
    const known = this.#runs.filter((run) => run.epoch === epoch)
    if (known.length === 0) return true
    const isBehindChange = this.#gap?.isOfEpoch === true && (epoch !== before.epoch || this.#gap.hasLeft)
    if (isBehindChange && (this.isForgetful || known.every(({ last }) => last < offset))) {
      this.returns++
      return true
    }
    if (known.some(({ first, last }) => offset >= first && offset <= last)) {
      this.duplicates++
      this.#violate('duplicate', `${id} was handed over before`)
      return false
    }
    if (epoch === before.epoch && offset > before.last) return true
    this.#violate('order', `${id} after ${this.lastId}`)
    return false
  }

  /** Begins another run, after a gap, in another epoch or with the first message. */
  #begin (id, { epoch, offset }) {
    const before = this.#runs.at(-1)
    const from = this.#position
    const gap = this.#gap
    const expected = from === undefined ? 1 : from.offset + 1
    if (gap === undefined) {
      if (offset !== expected) this.#violate('hole', `${id} after ${from === undefined ? 'nothing' : `${from.epoch}:${from.offset}`}, and no gap was announced`)
      else if (from !== undefined && from.epoch !== epoch) {
        if (this.isTold) this.#violate('unannounced', `${id} after ${from.epoch}:${from.offset}, and no stream said that the position was carried over`)
        this.#carryOver(from, epoch)
      }
      // Announced epochs that came and went without a message.
      if (offset === expected && before !== undefined && before.epoch !== epoch && before.last === offset - 1) {
        this.#watcher.carry({ epoch: before.epoch, offset: before.last }, epoch)
      }
    } else {
      if (gap.position !== undefined && (gap.position.epoch === epoch) && offset !== expected) this.#violate('hole', `${id} behind a gap that was to end at ${from.epoch}:${from.offset}`)
      if (offset === before?.last + 1) this.needlessGaps++
    }
    const at = this.#watcher.now()
    this.#runs.push({ epoch, first: offset, last: offset, gap: gap !== undefined, isOfEpoch: gap?.isOfEpoch === true, at, until: at })
    this.#entries.push(this.#runs.at(-1))
    this.#gap = undefined
  }

  #carryOver (from, epoch) {
    this.carried++
    this.note(`carried over from ${from.epoch}:${from.offset} to ${epoch}`)
    this.#watcher.carry(from, epoch)
  }

  #violate (kind, text) {
    this.#watcher.report({ kind, channel: this.channel, subscriber: this.name, text, excerpt: this.excerpt() })
  }
}
