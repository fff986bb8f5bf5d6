import { parseId } from './ledger.mjs'

/** Entries of a history that a report shows. */
const EXCERPT = 12

/**
 * What one subscriber was handed on one channel, checked as it comes: each id is the successor of the one before it, or a gap
 * was announced between the two. Kept as runs of successive offsets, so that a million messages are a few hundred entries.
 */
export class History {
  name
  channel
  messages = 0
  duplicates = 0
  /** Announced gaps by reason. */
  gaps = {}
  /** Gaps behind which nothing was missing. */
  needlessGaps = 0
  /** Of these, and of others, those that told of another log where it was the same. */
  falseEpochGaps = 0
  /** In order: `{ run, … }`, `{ gap }` and `{ note }`. */
  #entries = []
  #run
  /** The reason of the gap behind the last message. */
  #gap
  #report
  #now

  /**
   * @param report is called with each violation: `{ kind, channel, subscriber, text, excerpt }`
   * @param now the clock of the notes, in milliseconds
   */
  constructor (name, channel, report, now = () => performance.now()) {
    this.name = name
    this.channel = channel
    this.#report = report
    this.#now = now
  }

  /** The id of the last message, or `undefined` before the first. */
  get lastId () {
    return this.#run && `${this.#run.epoch}:${this.#run.last}`
  }

  /** The runs of successive messages; `gap` says whether one was announced before it. */
  get runs () {
    return this.#entries.filter(({ run }) => run)
  }

  /** Whether a gap was announced behind the last message. */
  get endsInGap () {
    return this.#gap !== undefined
  }

  /** Notes what explains the history to who reads it: a connection made, lost, refused. */
  note (text) {
    this.#entries.push({ note: text, at: this.#now() })
  }

  gap (reason) {
    this.gaps[reason] = (this.gaps[reason] ?? 0) + 1
    this.#gap = reason
    this.#entries.push({ gap: reason, at: this.#now() })
    // The reason that clients give for a hole of which the server said nothing.
    if (reason === 'missed') this.#violate('hole', 'the server skipped messages without a word; only the client noticed')
  }

  /** Takes a message; returns its position, or `undefined` when the id is not one. */
  message (id) {
    const position = parseId(id)
    if (position === undefined) { this.#violate('malformed', `a message has the id ${id}`); return undefined }
    this.messages++
    const { epoch, offset } = position
    const before = this.#run
    if (before !== undefined && epoch === before.epoch && offset === before.last + 1 && !this.#gap) {
      before.last = offset
      before.until = this.#now()
      return position
    }
    const known = this.runs.filter((run) => run.epoch === epoch)
    if (known.some(({ first, last }) => offset >= first && offset <= last)) {
      this.duplicates++
      this.#violate('duplicate', `${id} was handed over before`)
    } else if (known.length > 0 && (epoch !== before.epoch || offset < before.last)) {
      this.#violate('order', `${id} after ${this.lastId}`)
    } else {
      if (!this.#gap && (before !== undefined || offset !== 1)) this.#violate('hole', `${id} after ${this.lastId ?? 'nothing'}, and no gap was announced`)
      if (this.#gap && epoch === before?.epoch && offset === before.last + 1) this.needlessGaps++
      if (this.#gap === 'epoch' && epoch === before?.epoch) this.falseEpochGaps++
      this.#run = { run: true, epoch, first: offset, last: offset, gap: this.#gap !== undefined, at: this.#now(), until: this.#now() }
      this.#entries.push(this.#run)
      this.#gap = undefined
    }
    return position
  }

  /** The last entries as lines of text. */
  excerpt (count = EXCERPT) {
    return this.#entries.slice(-count).map(({ run, epoch, first, last, at, until, gap, note }) => {
      const time = `${(at / 1000).toFixed(3)} s`
      if (run) return `${time}  ${epoch}:${first} … ${last}  (until ${(until / 1000).toFixed(3)} s)`
      return `${time}  ${note ?? `gap announced: ${gap}`}`
    })
  }

  #violate (kind, text) {
    this.#report({ kind, channel: this.channel, subscriber: this.name, text, excerpt: this.excerpt() })
  }
}
