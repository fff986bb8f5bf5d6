import { setTimeout as delay } from 'node:timers/promises'
import { Seat } from './seat.mjs'
import { SharedConnection } from './shared-connection.mjs'
import { stepAfter } from './steps.mjs'
import { Tokens } from './token.mjs'

const POLL_MS = 20
/** In which a service without Redis has answered for a channel, through a narrow and crowded connection, too. */
const ANSWER_MS = 20_000

/**
 * A subscriber of several channels on one connection, behind one link. While it runs it gives up channels and asks for others,
 * on a WebSocket by frames and over HTTP by another request, and replaces its token. Each channel has a position and a history of
 * its own.
 */
export class SharedSubscriber {
  name
  link
  #options
  #seats
  #connection
  #isStopped = false
  #roams

  /**
   * @param options `link`, `transport`, `channels` (those that it may have), `size` (how many of them it has at most), `covered`
   *   (patterns of what its tokens cover), `roams` (whether it changes its channels; otherwise it has all), `isAlone` (whether
   *   there is one instance and nothing that it waits for), `oracle`, `recovery`, `prng`, `silenceMs`, `now`
   */
  constructor (name, options) {
    const { link, transport, channels, covered, roams, oracle, recovery, prng, silenceMs, now } = options
    const watcher = { report: (violation) => { oracle.report(violation) }, now }
    this.name = name
    this.link = link
    this.#options = options
    this.#roams = roams
    this.#seats = new Map(channels.map((channel) => [channel, new Seat(channel, oracle.subscribe(`${name} ${channel}`, channel), watcher)]))
    const tokens = new Tokens(name, covered)
    this.#connection = new SharedConnection(transport, { name, link, seats: this.#seats, tokens, oracle, recovery, prng, silenceMs })
  }

  get transport () {
    return this.#connection.transport
  }

  get reconnects () {
    return this.#connection.reconnects
  }

  get closes () {
    return this.#connection.closes
  }

  get frames () {
    return this.#connection.frames
  }

  get #wanted () {
    return [...this.#seats.values()].filter(({ wanted }) => wanted)
  }

  /** Subscribes; resolves when the service has said where each channel stands. */
  async start () {
    const count = this.#roams ? this.#options.size : this.#seats.size
    for (const seat of [...this.#seats.values()].slice(0, count)) seat.wanted = true
    this.#connection.renew(0)
    await this.#settled()
    void this.#roam()
  }

  /** Leaves and, later, comes back on another transport with the last ids. */
  async switchTo (transport, pauseMs) {
    this.#connection.drop()
    await delay(pauseMs)
    if (this.#isStopped) return false
    this.#connection.transport = transport
    this.#connection.renew(0)
    return true
  }

  /** Keeps all its channels from now on; resolves when the service has said where each one stands. */
  async gather () {
    this.#roams = false
    for (const seat of this.#seats.values()) {
      seat.wanted = true
      // Earlier messages are requested as well, as far as they are kept.
      if (seat.cursor === undefined) seat.start = 'earliest'
    }
    this.#connection.askAgain()
    await this.#settled()
  }

  stop () {
    this.#isStopped = true
    this.#connection.drop()
  }

  /** The histories of the channels that it wants to have now. */
  histories () {
    return this.#wanted.map(({ history }) => history)
  }

  async #settled () {
    while (!this.#isStopped && !this.#wanted.every(({ state }) => state === 'live')) await delay(POLL_MS)
  }

  async #roam () {
    const { prng, isAlone } = this.#options
    for (let count = 0; this.#roams && !this.#isStopped; count++) {
      const own = prng.fork(`step ${count}`)
      const { kind, pauseMs } = stepAfter(own, this.transport, isAlone)
      await delay(pauseMs)
      if (isAlone) for (const seat of this.#seats.values()) seat.expectAnswer(ANSWER_MS)
      if (this.#roams && this.#connection.isOpen) this.#walk(kind, own)
    }
  }

  #walk (kind, prng) {
    const wanted = this.#wanted
    const isFrames = this.transport === 'frames'
    const isSwap = kind === 'swap'
    const seat = prng.pick(wanted.filter(({ state }) => state === 'live'))
    const other = prng.pick([...this.#seats.values()].filter(({ wanted }) => !wanted))
    const gives = seat !== undefined && (isSwap || kind === 'give') && (isFrames || wanted.length > 1)
    const takes = other !== undefined && (isSwap || kind === 'take') && wanted.length - Number(gives) < this.#options.size
    if (gives) seat.wanted = false
    if (takes) other.wanted = true
    if (isFrames) this.#speak(kind, prng, { seat, gives: gives && seat, takes: takes && other })
    else if (gives || takes || kind === 'refresh') this.#connection.renew()
  }

  /** The step as frames. */
  #speak (kind, prng, { seat, gives, takes }) {
    const connection = this.#connection
    if (gives) connection.unsubscribe(gives)
    if (takes) connection.subscribe(takes)
    if (kind === 'refresh' || kind === 'narrow' || kind === 'spoil') connection.sendToken(kind, prng.shuffle([...this.#seats.keys()]).slice(0, this.#seats.size / 2))
    if (seat === undefined) return
    if (kind === 'again' || kind === 'forget') connection.unsubscribe(seat)
    if (kind === 'forget') seat.cursor = undefined
    if (kind === 'again' || kind === 'forget' || kind === 'replace') connection.subscribe(seat)
  }
}
