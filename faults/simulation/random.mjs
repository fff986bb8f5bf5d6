/** Mixes numbers into 32 bits; similar numbers give results that have nothing in common. */
export function mix (...numbers) {
  let bits = 0x9e3779b9
  for (const number of numbers) {
    bits = Math.imul(bits ^ number ^ (bits >>> 15), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    bits ^= bits >>> 16
  }
  return bits >>> 0
}

/**
 * A sequence of numbers that a seed decides (mulberry32). Each connection, instance and subscriber has one of its own, so that
 * an action which is taken out of a schedule leaves the decisions of the others alone.
 */
export class Random {
  #state

  constructor (...seed) {
    this.#state = mix(...seed)
  }

  /** From 0 to below 1. */
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
    return list[Math.floor(this.next() * list.length)]
  }

  /** Between two times, the short ones as likely as the long ones. */
  time (minimum, maximum) {
    return minimum * (maximum / minimum) ** this.next()
  }

  /** One of the keys of `weights`, as often as its weight says. */
  weighted (weights) {
    let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
    for (const [key, weight] of Object.entries(weights)) if ((left -= weight) < 0) return key
    return Object.keys(weights).at(-1)
  }
}
