/** Lets at most so many take a step at the same time; the others follow, in about the order in which they came. */
export class Lanes {
  readonly #lanes: Promise<unknown>[]
  #next = 0

  constructor (count: number) {
    this.#lanes = Array.from({ length: count }, () => Promise.resolve())
  }

  async take<T> (step: () => Promise<T>): Promise<T> {
    const lane = this.#next++ % this.#lanes.length
    const done = (this.#lanes[lane] as Promise<unknown>).then(step)
    this.#lanes[lane] = done.catch(() => {})
    return await done
  }
}
