type Listener = (reason: unknown) => void

/** Listeners to aborts: many share one listener of the signal itself, as Node warns of an eleventh. */
export class AbortListeners {
  readonly #bySignal = new Map<AbortSignal, Set<Listener>>()

  /** Calls a listener once when the signal is aborted. The signal must not be aborted yet. */
  add (signal: AbortSignal, listener: Listener): void {
    const listeners = this.#bySignal.get(signal)
    if (listeners !== undefined) { listeners.add(listener); return }
    this.#bySignal.set(signal, new Set([listener]))
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  remove (signal: AbortSignal, listener: Listener): void {
    const listeners = this.#bySignal.get(signal)
    listeners?.delete(listener)
    if (listeners?.size !== 0) return
    this.#bySignal.delete(signal)
    signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = ({ target }: Event): void => {
    const signal = target as AbortSignal
    // A set is there for exactly as long as this listener.
    const listeners = this.#bySignal.get(signal) as Set<Listener>
    this.#bySignal.delete(signal)
    for (const listener of listeners) listener(signal.reason)
  }
}
