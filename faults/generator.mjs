/** A sequence of numbers that its state decides (mulberry32), and what is drawn from it. */
export class Generator {
  #state

  /** @param state 32 bits */
  constructor (state) {
    this.#state = state
  }

  /** A number from 0 to below 1. */
  next () {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from `minimum` to `maximum`, both included. */
  integer (minimum, maximum) {
    return minimum + Math.floor(this.next() * (maximum - minimum + 1))
  }

  chance (probability) {
    return this.next() < probability
  }

  pick (list) {
    return list[this.integer(0, list.length - 1)]
  }

  /** One of the keys of `weights`, as often as its weight says. */
  weighted (weights) {
    let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
    for (const [key, weight] of Object.entries(weights)) if ((left -= weight) < 0) return key
    return Object.keys(weights).at(-1)
  }
}
