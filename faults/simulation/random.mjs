import { Generator } from '../generator.mjs'

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
 * Numbers that a seed decides. Each connection, instance and subscriber has one of its own, so that
 * an action which is taken out of a schedule leaves the decisions of the others alone.
 */
export class Random extends Generator {
  constructor (...seed) {
    super(mix(...seed))
  }

  /** Between two times, the short ones as likely as the long ones. */
  time (minimum, maximum) {
    return minimum * (maximum / minimum) ** this.next()
  }
}
