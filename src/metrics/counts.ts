/** Counts by label, as monotonic counters or as the present number of something. */
export class Counts<Label extends string | number = string> {
  readonly #counts: Map<Label, number>

  /** @param labels what is counted in any case, also while it is 0: the first increase of a series that is not there yet is never seen */
  constructor (labels: readonly Label[] = []) {
    this.#counts = new Map(labels.map((label) => [label, 0]))
  }

  add (label: Label, amount = 1): void {
    this.#counts.set(label, this.get(label) + amount)
  }

  get (label: Label): number {
    return this.#counts.get(label) ?? 0
  }

  entries (): IterableIterator<[Label, number]> {
    return this.#counts.entries()
  }
}
