import { performance } from 'node:perf_hooks'
import { Publisher } from '../publisher.mjs'

const MAX_MESSAGES = 2_000_000

/**
 * `inFlight` closed loops: each publishes a message and the next one when the server has answered and all `receivers`
 * have it. So exactly `inFlight` messages are on their way at any time, and nobody queues without bound. Where there are
 * several targets, each loop publishes to one after the other.
 */
export class ClosedLoops {
  published = 0
  /** When each message was published, in ms of `performance.now()`. */
  sentAt = new Float64Array(MAX_MESSAGES)
  #missing = new Int32Array(MAX_MESSAGES)
  #loopOf = new Uint16Array(MAX_MESSAGES)
  #loops = []
  #active = 0
  #limit = 0
  #receivers
  #answered
  #finished

  /** `answered(index)` is called when the server has answered for message number `index`. */
  constructor (targets, channel, { inFlight, receivers, failed, answered = () => {} }) {
    this.#receivers = receivers
    this.#answered = answered
    for (let loop = 0; loop < inFlight; loop++) {
      this.#loops.push(targets.map((_, index) => new Publisher(targets[(loop + index) % targets.length], channel, failed)))
    }
  }

  /** Publishes until `stop()` or `limit` messages; resolves when the last one has arrived everywhere. */
  run (limit = MAX_MESSAGES) {
    this.#limit = Math.min(limit, MAX_MESSAGES)
    this.#active = this.#loops.length
    return new Promise((resolve) => {
      this.#finished = resolve
      for (const loop of this.#loops.keys()) this.#next(loop)
    })
  }

  stop () {
    this.#limit = 0
  }

  close () {
    for (const publisher of this.#loops.flat()) publisher.close()
  }

  /** A receiver has message number `index`. */
  received (index) {
    if (--this.#missing[index] === 0) this.#next(this.#loopOf[index])
  }

  #next (loop) {
    if (this.published >= this.#limit) {
      if (--this.#active === 0) this.#finished()
      return
    }
    const index = this.published++
    this.#loopOf[index] = loop
    // The answer counts as one more receiver: the connection is free only after it.
    this.#missing[index] = this.#receivers + 1
    this.sentAt[index] = performance.now()
    // Each in turn, so that none rests until the server takes its connection for an idle one.
    const publisher = this.#loops[loop].shift()
    this.#loops[loop].push(publisher)
    publisher.publish(index, () => {
      this.#answered(index)
      this.received(index)
    })
  }
}
