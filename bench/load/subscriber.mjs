// The part that subscribers of all transports share: a bare TCP socket and the HTTP answer at its start.
// Bare sockets, because a full client would cost more than the servers that are measured.
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

// Every socket reads into the same buffer and is done with it before the next one reads: no allocation a read.
const shared = Buffer.allocUnsafeSlow(256 * 1_024)
const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)

/**
 * One subscriber. Its owner, the sink, is told: `ready(subscriber)`, `closed(subscriber, why)` and for each message
 * `message(subscriber, buffer, start, end, at)`; the buffer holds only during the call, `at` is when it was read, in ms.
 */
export class Subscriber {
  isReady = false
  /** Free for the sink's bookkeeping. */
  count = 0
  order = 0
  #rest = EMPTY
  #streaming = false

  constructor (target, sink, { path, headers, status, localAddress }) {
    this.sink = sink
    this.status = status
    this.socket = connect({
      host: '127.0.0.1',
      port: target.port,
      localAddress,
      onread: { buffer: shared, callback: (length) => this.#read(length) }
    })
    this.socket.on('error', () => {}).on('close', () => this.#closed('connection closed'))
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n${headers}\r\n`, 'latin1')
  }

  /** Ends the connection at once, without a handshake; the sink is not told. */
  cut () {
    this.sink = undefined
    this.socket.resetAndDestroy()
  }

  /** Ends the connection in an orderly way on the TCP level only; the sink is not told. */
  leave () {
    this.sink = undefined
    this.socket.destroy()
  }

  /** To be called by the transport when the subscription stands. */
  becomeReady () {
    this.isReady = true
    this.sink?.ready(this)
  }

  /** To be called by the transport when something is wrong. */
  fail (why) {
    this.socket.destroy()
    this.#closed(why)
  }

  #closed (why) {
    const { sink } = this
    this.sink = undefined
    sink?.closed(this, why)
  }

  #read (length) {
    const at = performance.now()
    // A rest of the last read is rare and short; joining it keeps the parsers stateless.
    const whole = this.#rest.length === 0 ? shared.subarray(0, length) : Buffer.concat([this.#rest, shared.subarray(0, length)])
    let used = 0
    if (!this.#streaming) {
      used = this.#readHead(whole)
    }
    if (this.#streaming && this.sink !== undefined) used = this.parse(whole, used, at)
    this.#rest = used === whole.length ? EMPTY : Buffer.from(whole.subarray(used))
    return this.sink !== undefined
  }

  #readHead (whole) {
    const end = whole.indexOf(HEAD_END)
    if (end === -1) return 0
    const head = whole.latin1Slice(0, end)
    if (!head.startsWith(`HTTP/1.1 ${this.status} `)) {
      this.fail(`expected status ${this.status}, got ${head.slice(0, head.indexOf('\r\n'))}`)
      return whole.length
    }
    this.#streaming = true
    this.opened(head)
    return end + HEAD_END.length
  }
}
