/**
 * Numbers that a seed decides. `fork` gives an independent sequence under a name, so that one part of a run that takes more or
 * fewer numbers, which the timing of a network decides, does not change what another part gets.
 */
export class Prng {
  #seed
  #state

  constructor (seed) {
    this.#seed = String(seed)
    this.#state = hash(this.#seed)
  }

  fork (name) {
    return new Prng(`${this.#seed}/${name}`)
  }

  /** A number from 0 to below 1 (mulberry32). */
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

  shuffle (list) {
    const shuffled = [...list]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]]
    }
    return shuffled
  }
}

/** 32 bits of a text (FNV-1a). */
export function hash (text) {
  let bits = 0x811c9dc5
  for (let at = 0; at < text.length; at++) bits = Math.imul(bits ^ text.charCodeAt(at), 0x01000193)
  // Similar seeds must not begin with similar states.
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  return (bits ^ (bits >>> 13)) >>> 0
}
