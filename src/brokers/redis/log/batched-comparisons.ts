import type { Position } from '../../../wire/id.js'
import { isDamage } from '../connection/refusal.js'

/** An acknowledged position, to be compared with its log. */
export interface Acknowledged {
  readonly channel: string
  readonly position: Position
}

/** Compares positions with their logs in a term; resolves with the answer for each, in the same order. */
export type Compare<T> = (term: string, batch: readonly Acknowledged[]) => Promise<readonly T[]>

interface Waiting<T> extends Acknowledged {
  readonly term: string
  readonly resolve: (answer: T) => void
  readonly reject: (error: unknown) => void
}

/** Request batching: comparisons that are requested in one turn of the event loop share a command. */
export class BatchedComparisons<T> {
  readonly #compare: Compare<T>
  readonly #max: number
  #waiting: Waiting<T>[] = []

  /** @param max the maximum number of logs of a command */
  constructor (max: number, compare: Compare<T>) {
    this.#max = max
    this.#compare = compare
  }

  /** Resolves with the answer for this position; rejects like the command. */
  ask (channel: string, position: Position, term: string): Promise<T> {
    return new Promise((resolve, reject) => {
      // Behind all promise callbacks of this turn.
      if (this.#waiting.length === 0) process.nextTick(() => { this.#send() })
      this.#waiting.push({ channel, position, term, resolve, reject })
    })
  }

  #send (): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length;) {
      const term = (waiting[start] as Waiting<T>).term
      let end = start
      while (end < waiting.length && end - start < this.#max && waiting[end]?.term === term) end++
      void this.#sendBatch(term, waiting.slice(start, end))
      start = end
    }
  }

  async #sendBatch (term: string, batch: readonly Waiting<T>[]): Promise<void> {
    try {
      const answers = await this.#compare(term, batch)
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as T)
    } catch (error) {
      // One damaged log must not keep the others from being compared.
      if (batch.length > 1 && isDamage(error)) for (const one of batch) void this.#sendBatch(term, [one])
      else for (const { reject } of batch) reject(error)
    }
  }
}
