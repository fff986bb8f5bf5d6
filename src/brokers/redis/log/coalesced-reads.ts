interface Asked<T> {
  answer: Promise<T>
  /** Asked in this very turn, so that the answer is not older than a question of this turn. */
  fresh: boolean
  next?: Promise<T>
}

/**
 * Request coalescing: equal questions share a read. A question that comes while its read is under way waits for the next one, so that no
 * answer is older than its question and each question has at most one read under way.
 */
export class CoalescedReads<T> {
  readonly #asked = new Map<string, Asked<T>>()

  /** Answers a question; `read` asks the server and may be called later, or not at all. */
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
