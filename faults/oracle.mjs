import { isCovered } from './gaps.mjs'
import { History } from './history.mjs'
import { Ledger, parseId } from './ledger.mjs'

/** Violations of one kind that are kept, so that none hides another one. */
const KEPT_VIOLATIONS = 20

/**
 * Decides whether the promise was kept: whatever was acknowledged reaches every subscriber once and in order, or the
 * subscriber is told that there is a gap.
 *
 * Order, duplicates, holes and contents are checked as messages arrive; losses are known at the end, after every subscriber has had
 * the time to catch up with a last message, the marker of its channel.
 */
export class Oracle {
  /** The first violations of each kind, and the number of all by kind. */
  violations = []
  counts = {}
  /** Acknowledged messages that a subscriber did not get, without a gap that covers them: one for each message and subscriber. */
  lost = 0
  /** Acknowledged messages that a subscriber did not get and was told so. */
  missedWithGap = 0
  /** Those that vanished with all that knew of them (docs/instances.md): nobody is left to announce that. */
  vanished = 0
  histories = []
  /** Subscribers that a service that shuts down sent away without all that was acknowledged before it began to. */
  sentAwayBehind = 0
  #losses = 0
  #excuses = 0
  #markers = new Map()
  #atShutdown = new Map()
  #now
  #ledger = new Ledger((violation) => { this.report(violation) })

  /** @param now the clock of what is reported, in milliseconds */
  constructor (now = () => performance.now()) {
    this.#now = now
  }

  /** Begins the history of a subscriber that is there before the first message. */
  subscribe (name, channel) {
    const history = new History(name, channel, {
      report: (violation) => { this.report(violation) },
      carry: (from, epoch) => { this.#ledger.carry(channel, from, epoch) },
      now: this.#now
    })
    this.histories.push(history)
    return history
  }

  /** A subscriber was handed a message. `key` says what is in it; `undefined` is one that is damaged. */
  deliver (history, id, key) {
    const position = history.message(id)
    if (key === undefined) this.report({ kind: 'damaged', channel: history.channel, subscriber: history.name, text: `the message under ${id} is not as it was sent`, excerpt: history.excerpt() })
    else if (position !== undefined) this.#ledger.enter(history.channel, position, key)
  }

  /** A publisher got a 200 with this id. `by` is the process that gave it; once it has `vanished`, nobody may know of the message. */
  acknowledge (channel, id, key, by) {
    this.#ledger.acknowledge(channel, id, key, by)
  }

  /** Data may be lost, and gaps are announced for it. */
  loseData () {
    this.#losses++
  }

  /** An instance may be missing when a log is taken over: nobody knows that nothing was lost then, and gaps are announced for that. */
  excuseGaps () {
    this.#excuses++
  }

  /** A service begins to shut down: whoever it sends away has to have what is acknowledged by now. */
  beginShutdown () {
    this.#atShutdown = this.#ledger.heads()
  }

  /** A subscriber was sent away by a service that shuts down. */
  sendAway ({ channel, lastId }) {
    const head = this.#atShutdown.get(channel)
    const position = parseId(lastId)
    if (head !== undefined && head.epoch === position?.epoch && position.offset < head.offset) this.sentAwayBehind++
  }

  /** The last message of a channel: what every subscriber must have, or be behind. */
  mark (channel, id) {
    this.#markers.set(channel, id)
  }

  /** Whether a subscriber has the marker of its channel, under whichever id; a message whose publisher was stopped may stand behind it. */
  isComplete (history) {
    const { channel } = history
    const marker = parseId(this.#markers.get(channel))
    if (marker === undefined) return false
    const positions = this.#ledger.positionsOf(channel, this.#ledger.keyAt(channel, marker))
    return [marker, ...positions].some((position) => history.reaches(position))
  }

  /** Adds a violation. Others than the oracle itself may see some, such as a process that died. */
  report (violation) {
    this.counts[violation.kind] = (this.counts[violation.kind] ?? 0) + 1
    if (this.counts[violation.kind] <= KEPT_VIOLATIONS) this.violations.push({ at: this.#now(), ...violation })
  }

  /** Messages that a publisher got a 200 for. */
  get acknowledged () {
    return this.#ledger.acknowledged
  }

  /** Messages that were handed over, to all subscribers. */
  get deliveries () {
    return this.histories.reduce((sum, { messages }) => sum + messages, 0)
  }

  /** Looks for what was lost; to be called once, at the end. Returns the numbers of the run. */
  conclude () {
    this.#ledger.compare()
    for (const history of this.histories) this.#audit(history)
    const sum = (value) => this.histories.reduce((total, history) => total + value(history), 0)
    return {
      acknowledged: this.acknowledged,
      dataLosses: this.#losses,
      republished: this.#ledger.republished,
      deliveries: this.deliveries,
      duplicated: sum(({ duplicates }) => duplicates),
      lost: this.lost,
      gaps: addUp(this.histories.map(({ gaps }) => gaps)),
      needlessGaps: sum(({ needlessGaps }) => needlessGaps),
      carried: sum(({ carried }) => carried),
      returns: sum(({ returns }) => returns),
      epochs: Math.max(0, ...this.histories.map(({ channel }) => this.#ledger.logs(channel).length)),
      missedWithGap: this.missedWithGap,
      vanished: this.vanished,
      sentAwayBehind: this.sentAwayBehind
    }
  }

  #audit (history) {
    const { channel, name } = history
    if (this.#losses + this.#excuses === 0 && history.gaps.epoch > 0) this.report({ kind: 'false gap', channel, subscriber: name, text: 'was told of another log, although no data was lost', excerpt: history.excerpt() })
    if (this.#markers.has(channel) && !this.isComplete(history) && !(history.mayLeave && history.lastGap)) {
      this.report({ kind: 'stuck', channel, subscriber: name, text: `stands at ${history.lastId ?? 'nothing'} and never got ${this.#markers.get(channel)}, the last message of the channel`, excerpt: history.excerpt() })
    }
    const received = this.#receivedBy(history)
    const lost = []
    for (const { epoch, acknowledged, keys } of this.#ledger.logs(channel)) {
      for (let offset = 1; offset < acknowledged.length; offset++) {
        const by = acknowledged[offset]
        if (!by || received.has(keys[offset])) continue
        const positions = this.#ledger.positionsOf(channel, keys[offset])
        if (positions.some((position) => isCovered(position, history.runs, history.lastGap))) this.missedWithGap++
        else if (by.vanished) this.vanished++
        else lost.push(`${epoch}:${offset}`)
      }
    }
    if (lost.length === 0) return
    this.lost += lost.length
    this.report({ kind: 'lost', channel, subscriber: name, text: `never got ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ` and ${lost.length - 5} more` : ''}, and no gap covers that`, excerpt: history.excerpt() })
  }

  /**
   * The messages that a subscriber was handed, by what is in them, and with that those that it was handed under two ids. That is
   * right only behind a gap, for a message that was lost and published again; a reader that was led back has what it had before.
   */
  #receivedBy (history) {
    const { channel, name, runs, isForgetful } = history
    const received = new Map()
    let gaps = 0
    for (const { epoch, first, last, gap } of runs) {
      if (gap) gaps++
      for (let offset = first; offset <= last; offset++) {
        const position = { epoch, offset }
        const key = this.#ledger.keyAt(channel, position)
        if (key === undefined) continue
        const before = received.get(key)
        received.set(key, { position, gaps })
        if (before === undefined || (before.position.epoch === epoch)) continue
        if (before.gaps < gaps && (isForgetful || !this.#ledger.isPartOf(channel, before.position, epoch))) continue
        history.duplicates++
        this.report({ kind: 'duplicate', channel, subscriber: name, text: `${key} was handed over as ${before.position.epoch}:${before.position.offset} and as ${epoch}:${offset}`, excerpt: history.excerpt() })
      }
    }
    return received
  }
}

function addUp (counts) {
  const total = {}
  for (const count of counts) {
    for (const [key, value] of Object.entries(count)) total[key] = (total[key] ?? 0) + value
  }
  return total
}
