import { performance } from 'node:perf_hooks'
import { backoffMs } from './backoff.mjs'
import { subscribe } from './subscribe.mjs'

/**
 * A client that comes back by itself after a cut, with the id that it saw last, and counts what it missed.
 * It asks to be told where it stands, and `standing()` is called when it is told for the first time.
 */
export class ResumingClient {
  position = { epoch: '', offset: 0 }
  attempts = 0
  failedAttempts = 0
  lost = 0
  duplicates = 0
  gaps = 0
  connectedAt
  recoveredAt
  #target
  #channel
  #subscriber
  #standing

  constructor (target, channel, standing) {
    this.#target = target
    this.#channel = channel
    this.#standing = standing
  }

  connect (since) {
    this.#subscriber = subscribe(this.#target, this, { channel: this.#channel, since })
  }

  cut () {
    this.#subscriber.cut()
    this.#comeBack()
  }

  ready () {
    this.connectedAt = performance.now()
  }

  closed () {
    this.failedAttempts++
    this.#comeBack()
  }

  message (subscriber, buffer, start, end) {
    const { event, id, recovered } = JSON.parse(buffer.toString('utf8', start, end))
    const [epoch, text] = id.split(':')
    const offset = Number(text)
    if (event === 'subscribed') {
      this.#subscribed(epoch, offset, recovered)
      return
    }
    if (epoch === this.position.epoch) {
      if (offset <= this.position.offset) this.duplicates++
      else this.lost += offset - this.position.offset - 1
    } else {
      this.lost++
    }
    this.position = { epoch, offset }
  }

  #subscribed (epoch, offset, recovered) {
    if (this.#standing === undefined) {
      if (!recovered) {
        // It was told: what follows is counted from here.
        this.gaps++
        this.position = { epoch, offset }
      }
      this.recoveredAt ??= performance.now()
      this.attempts = 0
      return
    }
    this.position = { epoch, offset }
    this.#standing()
    this.#standing = undefined
  }

  #comeBack () {
    setTimeout(() => this.connect(`${this.position.epoch}:${this.position.offset}`), backoffMs(this.attempts++))
  }
}
