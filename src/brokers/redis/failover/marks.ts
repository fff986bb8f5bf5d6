import type { Position } from '../../../wire/id.js'
import { ownText } from '../../../wire/text.js'

/** Channels that are kept; about 16 MB. */
const MAX_MARKS = 100_000

/**
 * Where each log stood when this instance last acknowledged a message of it in the present term: what a server of another term has
 * to have, or else something is lost. A mark is set before the publisher is answered and kept until it was compared.
 */
export class Marks {
  readonly #positions = new Map<string, Position>()
  readonly #max: number
  #overflowed = false

  constructor (max = MAX_MARKS) {
    this.#max = max
  }

  /** Whether there were more channels than are kept, so that the next term cannot be complete. */
  get overflowed (): boolean {
    return this.#overflowed
  }

  get size (): number {
    return this.#positions.size
  }

  /** The mark of a channel. */
  get (channel: string): Position | undefined {
    return this.#positions.get(channel)
  }

  set (channel: string, position: Position): void {
    if (this.#positions.has(channel)) this.#positions.set(channel, position)
    // The name is a part of the URL that it came in.
    else if (this.#positions.size < this.#max) this.#positions.set(ownText(channel), position)
    else this.#overflowed = true
  }

  /** To be called once all were compared and an instance is admitted to the term that they were compared with. */
  clear (): void {
    this.#positions.clear()
    this.#overflowed = false
  }

  [Symbol.iterator] (): MapIterator<[channel: string, position: Position]> {
    return this.#positions[Symbol.iterator]()
  }
}
