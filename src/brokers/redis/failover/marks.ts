import type { Position } from '../../../wire/id.js'
import { ownText } from '../../../wire/text.js'

/** Channels that are kept; about 16 MB. */
const MAX_MARKS = 100_000

/**
 * The position of each log at the last acknowledgement of this instance since the last admission to another term, in a cluster since
 * the log has begun its epoch: where it is missing on the server of another term, messages are lost. A mark is set before the
 * publisher is answered and kept until it was compared, unless as many other channels were marked since.
 */
export class Marks {
  readonly #positions = new Map<string, Position>()
  readonly #max: number
  #overflowed = false

  constructor (max = MAX_MARKS) {
    this.#max = max
  }

  /** Whether a mark was dropped, so that the next term cannot be complete. A cluster has no complete terms. */
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
    // The one that was marked last comes last.
    if (!this.#positions.delete(channel) && this.#positions.size >= this.#max) this.#dropFirst()
    // The name is a slice of the request's URL.
    this.#positions.set(ownText(channel), position)
  }

  #dropFirst (): void {
    const [first] = this.#positions.keys()
    this.#positions.delete(first as string)
    this.#overflowed = true
  }

  /** Deletes the mark of a channel, unless it is another one. */
  delete (channel: string, position: Position): void {
    if (this.#positions.get(channel) === position) this.#positions.delete(channel)
  }

  /** To be called once all marks were compared and the instance is admitted to the term of the comparison. */
  clear (): void {
    this.#positions.clear()
    this.#overflowed = false
  }

  [Symbol.iterator] (): MapIterator<[channel: string, position: Position]> {
    return this.#positions[Symbol.iterator]()
  }
}
