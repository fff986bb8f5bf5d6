import { History } from './history.mjs'
import { Ledger, parseId } from './ledger.mjs'

const KEPT_VIOLATIONS = 100

/**
 * Decides whether the promise was kept: whatever was acknowledged reaches every subscriber once and in order, or the
 * subscriber is told that there is a gap.
 *
 * What can be seen at once (order, duplicates, holes, contents) is checked as it comes; what was lost is known at the end,
 * once every subscriber had the time to catch up with a last message, the marker of its channel.
 */
export class Oracle {
  /** The first violations, and the number of all by kind. */
  violations = []
  counts = {}
  /** Acknowledged messages that a subscriber did not get, without a gap that covers them: one for each message and subscriber. */
  lost = 0
  /** Acknowledged messages that a subscriber did not get and was told so. */
  missedWithGap = 0
  histories = []
  /** Subscribers that a service that shuts down sent away without all that was acknowledged before it began to. */
  sentAwayBehind = 0
  #losses = 0
  #needlessLogs = 0
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
    const history = new History(name, channel, (violation) => { this.report(violation) }, this.#now)
    this.histories.push(history)
    return history
  }

  /** A subscriber was handed a message. `key` says what is in it; `undefined` is one that is damaged. */
  deliver (history, id, key) {
    const position = history.message(id)
    if (key === undefined) this.report({ kind: 'damaged', channel: history.channel, subscriber: history.name, text: `the message under ${id} is not as it was sent`, excerpt: history.excerpt() })
    else if (position !== undefined) this.#ledger.enter(history.channel, position, key)
  }

  /** A publisher got a 200 with this id. */
  acknowledge (channel, id, key) {
    this.#ledger.acknowledge(channel, id, key)
  }

  /** The data is lost: each channel may begin another log, once, and what is published again stands in it again. */
  loseData () {
    this.#losses++
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

  /** Whether a subscriber has the marker of its channel; a message whose publisher was stopped may stand behind it. */
  isComplete ({ lastId, channel }) {
    const [last, marker] = [parseId(lastId), parseId(this.#markers.get(channel))]
    return last !== undefined && last.epoch === marker?.epoch && last.offset >= marker.offset
  }

  /** Adds a violation. Others than the oracle itself may see some, such as a process that died. */
  report (violation) {
    this.counts[violation.kind] = (this.counts[violation.kind] ?? 0) + 1
    if (this.violations.length < KEPT_VIOLATIONS) this.violations.push({ at: this.#now(), ...violation })
  }

  /** Looks for what was lost; to be called once, at the end. Returns the numbers of the run. */
  conclude () {
    for (const history of this.histories) this.#audit(history)
    this.#auditLogs()
    const sum = (value) => this.histories.reduce((total, history) => total + value(history), 0)
    return {
      acknowledged: this.#ledger.acknowledged,
      dataLosses: this.#losses,
      republished: this.#ledger.republished,
      deliveries: sum(({ messages }) => messages),
      duplicated: sum(({ duplicates }) => duplicates),
      lost: this.lost,
      gaps: addUp(this.histories.map(({ gaps }) => gaps)),
      needlessGaps: sum(({ needlessGaps }) => needlessGaps),
      needlessLogs: this.#needlessLogs,
      falseEpochGaps: sum(({ falseEpochGaps }) => falseEpochGaps),
      missedWithGap: this.missedWithGap,
      sentAwayBehind: this.sentAwayBehind
    }
  }

  /**
   * Looks for logs that nothing explains: where the data is kept, so are epoch, offsets and idempotency keys. Once some was lost,
   * who was away then may ask for another log later, which is only counted: everybody is told.
   */
  #auditLogs () {
    for (const channel of new Set(this.histories.map(({ channel }) => channel))) {
      const epochs = this.#ledger.logs(channel).map(([epoch]) => epoch)
      this.#needlessLogs += Math.max(0, epochs.length - 1 - this.#losses)
      if (epochs.length > 1 && this.#losses === 0) this.report({ kind: 'other log', channel, text: `has the epochs ${epochs.join(', ')}, although its data was kept` })
    }
  }

  #audit (history) {
    const { channel, name } = history
    if (this.#losses === 0 && history.gaps.epoch > 0) this.report({ kind: 'false gap', channel, subscriber: name, text: 'was told of another log, although no data was lost', excerpt: history.excerpt() })
    if (this.#markers.has(channel) && !this.isComplete(history)) {
      this.report({ kind: 'stuck', channel, subscriber: name, text: `stands at ${history.lastId ?? 'nothing'} and never got ${this.#markers.get(channel)}, the last message of the channel`, excerpt: history.excerpt() })
    }
    const lost = []
    for (const [epoch, acknowledged] of this.#ledger.logs(channel)) {
      const { runs, endsInGap } = history
      for (const offset of missing(acknowledged, runs.filter((run) => run.epoch === epoch))) {
        if (isCovered(epoch, offset, runs, endsInGap)) this.missedWithGap++
        else lost.push(`${epoch}:${offset}`)
      }
    }
    if (lost.length === 0) return
    this.lost += lost.length
    this.report({ kind: 'lost', channel, subscriber: name, text: `never got ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ` and ${lost.length - 5} more` : ''}, and no gap covers that`, excerpt: history.excerpt() })
  }
}

/** The offsets that were acknowledged and are in none of the runs. */
function * missing (acknowledged, runs) {
  let at = 0
  for (let offset = 1; offset < acknowledged.length; offset++) {
    while (at < runs.length && runs[at].last < offset) at++
    if (acknowledged[offset] && !(at < runs.length && runs[at].first <= offset)) yield offset
  }
}

/** Whether a gap was announced at the place where a message is missing. */
function isCovered (epoch, offset, runs, endsInGap) {
  const within = runs.filter((run) => run.epoch === epoch)
  // Of a log of which it saw nothing it saw neither begin nor end: any change from one log to another may have passed it by.
  if (within.length === 0) return endsInGap || runs.some((run, index) => run.gap && run.epoch !== runs[index - 1]?.epoch)
  const next = within.find(({ first }) => first > offset) ?? runs[runs.indexOf(within.at(-1)) + 1]
  return next === undefined ? endsInGap : next.gap
}

function addUp (counts) {
  const total = {}
  for (const count of counts) {
    for (const [key, value] of Object.entries(count)) total[key] = (total[key] ?? 0) + value
  }
  return total
}
