import { parseId } from '../../wire/id.js'

/** The result of {@link Positions.advance}. */
export type Advance = 'next' | 'known' | 'gap'

/** The position in each channel, and with it where to go on after a cut. */
export class Positions {
  readonly #positions: Map<string, string>

  /** @param starts channels and where each begins: an id, `earliest`, `now` or an empty text */
  constructor (starts: ReadonlyMap<string, string>) {
    this.#positions = new Map(starts)
  }

  get size (): number {
    return this.#positions.size
  }

  /** The path and the query of a subscription to all channels. A host's router bounds the length of a name in the path. */
  get url (): string {
    const [first = '', ...others] = this.#positions.keys()
    const query = new URLSearchParams({ heartbeat: '1' })
    if (others.length > 0) query.set('channels', others.join(','))
    const since = [...this.#positions.values()]
    // Several empty values would be a list of texts, one a single one that counts as absent.
    if (since.some((text) => text !== '')) query.set('since', since.map((text) => text === '' ? 'now' : text).join(','))
    return `/${encodeURIComponent(first).replaceAll(/%(3A|40|3D|2B)/g, decodeURIComponent)}?${query.toString()}`
  }

  /** Sets the position that a stream announced. */
  set (channel: string, id: string): void {
    if (this.#positions.has(channel)) this.#positions.set(channel, id)
  }

  /** Moves to a message: the next one, one that was seen before, or one behind a hole. */
  advance (channel: string, id: string): Advance {
    const [before, now] = [parseId(this.#positions.get(channel) ?? ''), parseId(id)]
    const sameLog = now !== undefined && before?.epoch === now.epoch
    if (sameLog && now.offset <= before.offset) return 'known'
    this.set(channel, id)
    return sameLog && now.offset > before.offset + 1 ? 'gap' : 'next'
  }

  /** Leaves a channel that was refused or has ended. */
  delete (channel: string): void {
    this.#positions.delete(channel)
  }

  /** Leaves all channels. */
  clear (): void {
    this.#positions.clear()
  }
}
