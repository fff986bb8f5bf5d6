interface Asked<T> {
  answer: Promise<T>
  /** Sent in the current event-loop turn, so that the answer is not older than any request of this turn. */
  fresh: boolean
  next?: Promise<T>
}

/**
 * Request coalescing: equal requests share a read. A request that arrives during its read waits for the next one, so that no answer is
 * older than its request and equal requests have at most one read in flight.
 */
export class CoalescedReads<T> {
  readonly #asked = new Map<string, Asked<T>>()

  /** Resolves with the result of a read; `read` may be called later, or not at all. */
  ask (question: string, read: () => Promise<T>): Promise<T> {
    const asked = this.#asked.get(question)
    if (asked === undefined) return this.#start(question, read)
    if (asked.fresh) return asked.answer
    return asked.next ??= asked.answer.then(() => {}, () => {}).then(() => this.#start(question, read))
  }

  #start (question: string, read: () => Promise<T>): Promise<T> {
    const asked: Asked<T> = { answer: read(), fresh: true }
    this.#asked.set(question, asked)
    process.nextTick(() => { asked.fresh = false })
    const settled = (): void => { if (asked.next === undefined) this.#asked.delete(question) }
    asked.answer.then(settled, settled)
    return asked.answer
  }
}
