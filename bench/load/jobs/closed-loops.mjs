import { performance } from 'node:perf_hooks'
import { Publisher } from '../publisher.mjs'

const MAX_MESSAGES = 2_000_000

/**
 * `inFlight` closed loops: each publishes a message and the next one when the server has answered and all `receivers`
 * have it. So exactly `inFlight` messages are on their way at any time, and nobody queues without bound.
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
  #finished

  constructor (target, channel, { inFlight, receivers, failed }) {
    this.#receivers = receivers
    for (let loop = 0; loop < inFlight; loop++) this.#loops.push(new Publisher(target, channel, failed))
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
    for (const publisher of this.#loops) publisher.close()
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
    this.#loops[loop].publish(index, () => this.received(index))
  }
}
