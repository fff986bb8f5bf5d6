interface Asked<T> {
  answer: Promise<T>
  /** Asked in this very turn, so that the answer is not older than a question of this turn. */
  fresh: boolean
  next?: Promise<T>
}

/**
 * Answers many who ask the same with few reads. Those who come while a read is under way share the one after it: nobody gets an
 * answer that is older than the question, and of each question at most one read is under way.
 */
export class SharedReads<T> {
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
