import { keyOf } from './message.mjs'
import { remedyOf } from './seat.mjs'
import { openEvents, openFrames, openLines } from './shared-streams.mjs'

/** Streams on which several channels share a connection. */
const TRANSPORTS = { frames: openFrames, events: openEvents, lines: openLines }

export const sharedTransportNames = Object.keys(TRANSPORTS)

const SERVICE_RESTART = 1012
const UNAUTHORIZED = 4401
/** Final close codes, after which no client reconnects, and the statuses with the same meaning. */
const FINAL = /^(1008|4403|0 HTTP 40[034]) /
const MAX_BACKOFF_MS = 500
/** The time until refused channels are asked for again; those that are refused at once are asked for together. */
const REMEDY_MS = [10, 200]
/** Lifetimes of tokens: some end before another one is sent. */
const TOKEN_MS = [3_000, 15_000]
const SECOND_MS = 1_000
const SHOWN_CHARACTERS = 200

/**
 * The connection of a subscriber of several channels, which comes back with their positions when it is lost. What the service says of
 * a channel is a matter of its seat; a refused channel is asked for again as its close code says.
 */
export class SharedConnection {
  /** Channels that came back with a connection. */
  reconnects = 0
  /** Channels that were asked for or given up by a frame, and tokens that were replaced by one. */
  frames = { channels: 0, tokens: 0 }
  /** Connections that the service has closed, by code. */
  closes = {}
  transport
  #options
  #tokens
  /** The one of this moment: `{ isOpen, stop, send }`. */
  #current
  /** The parameters of the request, `{ channels, since, token, lastEventId }`; an `EventSource` keeps them over its connections. */
  #source
  #wasOpen = false
  #timer

  /**
   * @param options `name`, `link`, `seats` (by channel), `tokens`, `oracle`, `recovery`, `prng`, `silenceMs`
   */
  constructor (transport, options) {
    this.transport = transport
    this.#options = options
    this.#tokens = options.tokens
  }

  /** Whether the service has said something on the connection of this moment. */
  get isOpen () {
    return this.#current?.isOpen === true
  }

  /** The channels that the subscriber wants to have. */
  get #wanted () {
    return [...this.#options.seats.values()].filter(({ wanted }) => wanted)
  }

  /** Connects with what is wanted now; an earlier connection is dropped. */
  renew (ms = this.#options.prng.integer(...REMEDY_MS)) {
    this.drop()
    this.#source = undefined
    this.#timer = setTimeout(() => { this.#connect() }, ms)
  }

  /** Ends the connection without a word. */
  drop () {
    clearTimeout(this.#timer)
    this.#current?.stop()
    this.#forget()
  }

  /** Asks for a channel by a frame. */
  subscribe (seat) {
    seat.ask()
    this.frames.channels++
    seat.history.note(`asked for, since ${seat.since}`)
    this.#current.send({ subscribe: seat.channel, since: seat.since })
  }

  /** Gives up a channel by a frame. */
  unsubscribe (seat) {
    seat.leave()
    this.frames.channels++
    seat.history.note('given up')
    this.#current.send({ unsubscribe: seat.channel })
  }

  /** Replaces the token by a frame: one that covers everything, or only some channels, or one that is refused. */
  sendToken (kind, covered) {
    const ttlMs = this.#options.prng.integer(...TOKEN_MS)
    this.frames.tokens++
    this.#current.send({ token: kind === 'spoil' ? this.#tokens.spoil(ttlMs % 2 === 0) : kind === 'narrow' ? this.#tokens.narrow(covered, ttlMs) : this.#tokens.refresh(ttlMs) })
  }

  /** Asks for what is wanted and not there; without frames that takes another request. */
  askAgain () {
    const missing = this.#wanted.filter(({ state }) => state === 'absent' || state === 'leaving')
    if (this.#current === undefined || missing.length === 0) return
    if (this.transport !== 'frames') this.renew()
    if (!this.isOpen) return
    if (!this.#tokens.isEnough) this.sendToken('refresh')
    for (const seat of missing) this.subscribe(seat)
  }

  #connect () {
    const { prng, silenceMs, link, seats } = this.#options
    const { transport } = this
    if (transport !== 'events') this.#source = undefined
    this.#source ??= this.#createSource()
    const { channels } = this.#source
    for (const channel of channels) {
      const seat = seats.get(channel)
      seat.ask()
      seat.history.note(`${transport} with ${channels.length} channels connects since ${seat.since}`)
    }
    const current = this.#current = { isOpen: false }
    const guard = (callback) => (...args) => {
      if (this.#current === current) callback(...args)
      else this.#violate('late callback', `${transport} called back after it was told to stop`)
    }
    Object.assign(current, TRANSPORTS[transport](`http://127.0.0.1:${link.port}`, {
      ...this.#source,
      silenceMs,
      onText: guard((text, cursor) => { this.#take(text, cursor) }),
      onClose: guard(({ code, reason, retryMs = MAX_BACKOFF_MS }) => {
        this.#lose(code, reason)
        this.#timer = setTimeout(() => { this.#connect() }, prng.next() * retryMs)
      })
    }))
  }

  #createSource () {
    const { prng, seats: all } = this.#options
    const [first] = all.values()
    // A URL names one channel at least.
    if (this.#wanted.length === 0) first.wanted = true
    const seats = prng.shuffle(this.#wanted)
    // Without one, channels that need a token are refused until a frame brings it.
    const hasToken = this.transport !== 'frames' || prng.chance(0.9)
    return {
      channels: seats.map(({ channel }) => channel),
      since: seats.map(({ since }) => since),
      token: this.#tokens.open(hasToken ? prng.integer(...TOKEN_MS) : undefined)
    }
  }

  /** The connection was lost, refused or ended by the service. */
  #lose (code, reason) {
    const end = `${code} ${reason}`
    this.closes[code] = (this.closes[code] ?? 0) + 1
    if (FINAL.test(end)) this.#violate('refused', `the connection ended with ${end}`)
    // An `EventSource` would come back with the token that it has.
    if (code === UNAUTHORIZED || end.startsWith('0 HTTP 401')) this.#source = undefined
    for (const { history } of this.#wanted) {
      history.note(`closed ${end}`)
      if (code === SERVICE_RESTART) this.#options.oracle.sendAway(history)
    }
    clearTimeout(this.#timer)
    this.#forget()
  }

  #forget () {
    this.#current = undefined
    for (const seat of this.#options.seats.values()) seat.drop()
  }

  #take (text, cursor) {
    const body = parse(text)
    const seat = this.#options.seats.get(body?.channel)
    if (body === undefined) this.#violate('damaged', `${this.transport} brought ${text.slice(0, SHOWN_CHARACTERS)}`)
    else if (body.event === 'token') this.#takeToken(body)
    // The reason for the end of a stream, which is that of all its channels.
    else if (body.event === 'close') return
    else if (seat === undefined) this.#violate('uninvited', `${text.slice(0, SHOWN_CHARACTERS)} is of no channel that was ever asked for`)
    else if (body.event === undefined) this.#takeMessage(seat, body)
    else this.#takeEvent(seat, body)
    if (cursor !== undefined) this.#compare(cursor)
  }

  #takeMessage (seat, { message, id }) {
    if (!seat.takes(id)) return
    const { oracle, recovery } = this.#options
    oracle.deliver(seat.history, id, keyOf(message))
    recovery.received(seat.history, message?.sentAt)
  }

  #takeEvent (seat, body) {
    if (!this.#current.isOpen) {
      this.#current.isOpen = true
      if (this.#wasOpen) this.reconnects += this.#source.channels.length
      this.#wasOpen = true
    }
    if (body.event === 'subscribed') seat.subscribed(body)
    else if (body.event === 'unsubscribed') seat.unsubscribed()
    else if (body.event === 'refused') this.#takeRefusal(seat, body)
  }

  #takeToken ({ expiresIn }) {
    if (!this.#tokens.taken()) this.#violate('uninvited', 'a token was answered that was not sent')
    else if (!(expiresIn >= 0 && expiresIn <= TOKEN_MS[1] + SECOND_MS)) this.#violate('token', `a token is said to expire in ${expiresIn} ms`)
  }

  #takeRefusal (seat, body) {
    const isAmbiguous = seat.state === 'replacing'
    if (!seat.refused()) return
    this.#refuse(seat, body)
    // Of the former subscription or of the one in its place: nothing counts until that is settled.
    if (!isAmbiguous) return
    this.unsubscribe(seat)
    this.subscribe(seat)
  }

  /** The service refuses one channel; the others go on. */
  #refuse (seat, { code, close, message, retry = 0 }) {
    seat.history.note(`refused ${close} ${code}`)
    const remedy = remedyOf(close)
    if (remedy === 'none' || (remedy === 'token' && this.#tokens.isEnough)) { this.#violate('refused', `${seat.channel} was refused with ${close} ${code}: ${message}`); return }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { this.askAgain() }, Math.max(retry, this.#options.prng.integer(...REMEDY_MS)))
  }

  /** The id of an event is the position in all channels of the stream, that of the event included. */
  #compare (cursor) {
    const { seats } = this.#options
    this.#source.lastEventId = cursor
    const positions = cursor.split(',')
    const { channels } = this.#source
    if (positions.length !== channels.length) { this.#violate('cursor', `the id of an event has ${positions.length} positions for ${channels.length} channels`); return }
    for (const [index, channel] of channels.entries()) {
      const seat = seats.get(channel)
      if (positions[index] !== seat.since) seat.violate('cursor', `the id of an event is at ${positions[index]}, the channel (${seat.state}) at ${seat.since}`)
    }
  }

  #violate (kind, text) {
    this.#options.oracle.report({ kind, subscriber: this.#options.name, text })
  }
}

function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
