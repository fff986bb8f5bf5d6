/** Listeners of one event. */
export class Signal<T = void> {
  readonly #listeners = new Set<(value: T) => void>()

  /** Returns a function that removes the listener. */
  on (listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  emit (value: T): void {
    for (const listener of this.#listeners) listener(value)
  }
}
