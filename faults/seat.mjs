import { parseId } from './ledger.mjs'

/** Close codes that pass by themselves. */
const PASSING = new Set([1001, 1012, 1013])
const UNAUTHORIZED = 4401
/** A token that covers more may be had. */
const FORBIDDEN = 4403

/** The remedy for a channel that was refused with this close code: ask `again`, with another `token`, or `none`. */
export function remedyOf (close) {
  if (PASSING.has(close)) return 'again'
  return close === UNAUTHORIZED || close === FORBIDDEN ? 'token' : 'none'
}

/**
 * One channel of a connection that carries several, and what is checked beside its history: nothing comes of a channel that was not
 * asked for, that has not said yet where it stands, or that was given up.
 *
 * - `absent`: not asked for on this connection, refused, or given up and that is confirmed;
 * - `asked`: until it says where it stands;
 * - `live`;
 * - `replacing`: asked for once more while it is live; the former subscription goes on until the other one says where it stands;
 * - `leaving`: given up, until that is confirmed.
 */
export class Seat {
  channel
  history
  /** Whether the subscriber wants to have it. */
  wanted = false
  /** Where to go on: the last id. */
  cursor
  /** Where to begin without one. */
  start = 'now'
  state = 'absent'
  /** When it was asked for, or given up, without an answer so far. */
  waitsSince
  /** The position that was asked for, until that is answered. */
  #asked
  /** Times that it was given up without an answer so far. What comes before is of a subscription that was replaced meanwhile. */
  #fences = 0
  /** The last message that was there before the subscription was replaced by one that begins earlier. */
  #echo
  #watcher

  /** @param watcher `report(violation)` with `{ kind, channel, subscriber, text, excerpt }`, `now()` in milliseconds */
  constructor (channel, history, watcher) {
    this.channel = channel
    this.history = history
    this.#watcher = watcher
    // Each stream says where each channel stands, and nothing but the last position is kept.
    Object.assign(history, { isTold: true, isForgetful: true })
  }

  /** Reports, once, that an answer has not come within the time. */
  expectAnswer (withinMs) {
    if (this.waitsSince === undefined || this.#watcher.now() - this.waitsSince < withinMs) return
    this.violate('unanswered', `was ${this.state === 'leaving' ? 'given up' : 'asked for'} ${withinMs / 1_000} s ago without an answer`)
    this.waitsSince = undefined
  }

  /** Whether what comes of the channel is looked at: not as long as it may be of a subscription that was replaced. */
  get isFenced () {
    return this.#fences > 0 && this.state !== 'leaving'
  }

  /** The element of a list of positions that stands for this channel. */
  get since () {
    return this.cursor ?? this.start
  }

  /** The connection is gone. */
  drop () {
    this.#become('absent')
    this.#fences = 0
  }

  /** The channel is asked for, in the URL or by a frame. */
  ask (since = this.since) {
    this.state = this.state === 'live' ? 'replacing' : 'asked'
    this.waitsSince = this.#watcher.now()
    this.#asked = since
  }

  /** It is given up by a frame. */
  leave () {
    this.#fences++
    this.state = 'leaving'
    this.waitsSince = this.#watcher.now()
  }

  /** A stream says where the channel stands. */
  subscribed ({ id, recovered, reason }) {
    if (this.isFenced) return
    if (this.state === 'absent') { this.violate('uninvited', `subscribed at ${id}, which nobody has asked for`); return }
    const asked = this.#asked
    // The requested position may not be kept any more, but the messages since then have arrived.
    const isEarlier = this.state === 'replacing' && (recovered === false || id === asked) && isBefore(id, this.cursor)
    this.#asked = undefined
    if (this.state !== 'leaving') this.#become('live')
    if (isEarlier) { this.#echo = parseId(this.cursor); return }
    this.cursor = id
    if (recovered === false) this.history.gap(reason, id)
    // Earlier messages were not requested.
    else if (asked !== undefined && parseId(asked) === undefined) this.history.gap('left', id)
    else this.history.position(id)
  }

  /** Whether a message is one that the history is to have: not one of a former subscription, and none that it has had. */
  takes (id) {
    if (this.isFenced) return false
    if (this.state === 'absent' || this.state === 'asked') { this.violate('uninvited', `${id} came ${this.state === 'asked' ? 'before the channel said where it stands' : 'of a channel that the connection does not have'}`); return false }
    const position = parseId(id)
    if (position !== undefined && position.epoch === this.#echo?.epoch && position.offset <= this.#echo.offset) return false
    this.#echo = undefined
    this.cursor = id
    return true
  }

  /** It is confirmed that the channel was given up. */
  unsubscribed () {
    if (this.#fences === 0) { this.violate('uninvited', 'unsubscribed without having been asked to'); return }
    if (--this.#fences === 0 && this.state === 'leaving') this.#become('absent')
  }

  /** The channel is refused; returns whether that is to be acted upon. */
  refused () {
    if (this.#fences > 0) return false
    if (this.state === 'absent') { this.violate('uninvited', 'refused without having been asked for'); return false }
    this.#become('absent')
    return true
  }

  /** Reports a violation on the channel. */
  violate (kind, text) {
    this.#watcher.report({ kind, channel: this.channel, subscriber: this.history.name, text, excerpt: this.history.excerpt() })
  }

  /** Nothing is waited for. */
  #become (state) {
    this.state = state
    this.waitsSince = this.#asked = this.#echo = undefined
  }
}

function isBefore (id, other) {
  const [a, b] = [parseId(id), parseId(other)]
  return a !== undefined && a.epoch === b?.epoch && a.offset < b.offset
}
