import { Generator } from './generator.mjs'

/**
 * Numbers that a seed decides. `fork` gives an independent sequence under a name, so that one part of a run that takes more or
 * fewer numbers, which the timing of a network decides, does not change what another part gets.
 */
export class Prng extends Generator {
  #seed

  constructor (seed) {
    super(hash(String(seed)))
    this.#seed = String(seed)
  }

  fork (name) {
    return new Prng(`${this.#seed}/${name}`)
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
