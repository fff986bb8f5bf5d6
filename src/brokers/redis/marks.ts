import type { Position } from '../../wire/id.js'

const GENERATION = 10_000

/**
 * The last position that this node saw acknowledged, for the channels that it used lately: evidence against a server that
 * comes back with less than it had.
 */
export class Marks {
  // Two generations instead of an order: the older one is forgotten as a whole.
  #young = new Map<string, Position>()
  #old = new Map<string, Position>()

  set (channel: string, position: Position): void {
    this.#young.set(channel, position)
    if (this.#young.size < GENERATION) return
    this.#old = this.#young
    this.#young = new Map()
  }

  * [Symbol.iterator] (): Generator<[channel: string, position: Position]> {
    yield * this.#young
    for (const [channel, position] of this.#old) if (!this.#young.has(channel)) yield [channel, position]
  }
}
