/** Messages read from logs per event-loop turn: about a millisecond of work, most of it encoding. */
const MESSAGES_PER_TURN = 1_000

/**
 * Spreads reads of logs over turns of the event loop. With a log in memory and sockets that never block, any number of replays
 * would otherwise run to their end before anything else. Costs nothing while little is read.
 */
export class Pace {
  // A set serves as a queue.
  readonly #waiting = new Set<() => void>()
  #read = 0
  #turn: NodeJS.Immediate | undefined

  /** Resolves when there is time to read; `undefined` means now. */
  turn (): Promise<void> | undefined {
    if (this.#read < MESSAGES_PER_TURN) return undefined
    return new Promise((resolve) => { this.#waiting.add(resolve) })
  }

  /** Counts messages that were read. */
  charge (messages: number): void {
    if (messages === 0) return
    this.#read += messages
    this.#turn ??= setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#turn = undefined
    this.#read = 0
    // One at a time: the size of a read is known afterwards, and may be 0.
    for (const resume of this.#waiting) {
      this.#waiting.delete(resume)
      resume()
      break
    }
    if (this.#waiting.size > 0) this.#turn = setImmediate(this.#run)
  }
}
