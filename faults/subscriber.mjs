import { setTimeout as delay } from 'node:timers/promises'
import { connectToChannel } from './browser.mjs'
import { readEventStream } from './event-stream.mjs'
import { readPolls } from './long-poll.mjs'
import { keyOf } from './message.mjs'
import { readSocket } from './plain-socket.mjs'

const throughClient = (transport) => (url, channel, onMessage, options) => {
  return connectToChannel(channel, onMessage, { ...options, server: url, transport })
}

/** Every way to subscribe, the shipped client's and those of readers that know nothing but the wire. */
const TRANSPORTS = {
  websocket: { open: throughClient('websocket') },
  http: { open: throughClient('http') },
  auto: { open: throughClient('auto') },
  sse: { open: (url, channel, onMessage, options) => readEventStream(`${url}/${channel}`, onMessage, options), isTold: true, isForgetful: true },
  poll: { open: (url, channel, onMessage, options) => readPolls(`${url}/${channel}`, onMessage, options), isTold: true, isForgetful: true },
  plain: { open: (url, channel, onMessage, options) => readSocket(`${url}/${channel}`, onMessage, options), mayLeave: true }
}

/** The one that cannot resume. */
export const PLAIN = 'plain'
/** Those that can. */
export const transportNames = Object.keys(TRANSPORTS).filter((name) => name !== PLAIN)

/** The close code that says so. */
const SERVICE_RESTART = 1012

/** A subscriber of several channels behind one link. */
export class Subscriber {
  name
  link
  transport
  reconnects = 0
  /** WebSockets that the service has closed, by code. */
  closes = {}
  #options
  #streams
  #stop
  #switching = false

  /** @param options `link`, `transport`, `channels`, `oracle`, `recovery`, `prng`, `silenceMs` */
  constructor (name, options) {
    this.name = name
    this.link = options.link
    this.transport = options.transport
    this.#options = options
    this.#streams = options.channels.map((channel) => ({ channel, opened: 0, history: options.oracle.subscribe(`${name} ${channel}`, channel) }))
  }

  /** Subscribes to every channel; resolves when the service has said where each one stands. */
  async start () {
    await Promise.all(this.#connect())
  }

  /** Leaves and, later, comes back on another transport with the last ids. A subscriber that has none yet stays. */
  async switchTo (transport, pauseMs) {
    if (this.#switching || this.#streams.some(({ history }) => history.lastId === undefined)) return false
    this.#switching = true
    this.stop()
    await delay(pauseMs)
    this.transport = transport
    this.#connect()
    this.#switching = false
    return true
  }

  stop () {
    this.#stop?.()
    this.#stop = undefined
  }

  /** The histories of the channels that `path` stands for; all of them for `undefined`. */
  histories (path) {
    return this.#streams.filter(({ channel }) => path === undefined || path === channel).map(({ history }) => history)
  }

  #connect () {
    const session = { ended: false, stops: [] }
    this.#stop = () => {
      session.ended = true
      for (const stop of session.stops) stop()
    }
    return this.#streams.map((stream) => new Promise((resolve) => { session.stops.push(this.#open(stream, session, resolve)) }))
  }

  #open (stream, session, onFirstOpen) {
    const { oracle, recovery, prng, silenceMs } = this.#options
    const { channel, history } = stream
    const since = history.lastId
    const { transport } = this
    const { open, isTold = false, isForgetful = false, mayLeave = false } = TRANSPORTS[transport]
    Object.assign(history, { isTold, isForgetful, mayLeave })
    const guard = (callback) => (...args) => {
      if (session.ended) oracle.report({ kind: 'late callback', channel, subscriber: history.name, text: `${transport} called back after it was told to stop`, excerpt: history.excerpt() })
      else callback(...args)
    }
    history.note(`${transport} connects${since === undefined ? '' : ` since ${since}`}`)
    return open(`http://127.0.0.1:${this.link.port}`, channel, guard((message, { id, channel: name }) => {
      oracle.deliver(history, id, name === channel ? keyOf(message) : undefined)
      recovery.received(history, message?.sentAt)
    }), {
      ...since !== undefined && { since },
      prng,
      silenceMs,
      onOpen: guard(() => {
        history.note('open')
        if (stream.opened++ > 0) this.reconnects++
        onFirstOpen()
      }),
      onClose: guard(({ code, reason }) => {
        history.note(`closed ${code || ''} ${reason}`.trim())
        if (code === SERVICE_RESTART) oracle.sendAway(history)
        this.closes[code] = (this.closes[code] ?? 0) + 1
      }),
      onPosition: guard((id) => { history.position(id) }),
      onGap: guard(({ reason, id }) => { history.gap(reason, id) }),
      onError: guard((error) => { oracle.report({ kind: 'client error', channel, subscriber: history.name, text: String(error), excerpt: history.excerpt() }) })
    })
  }
}
