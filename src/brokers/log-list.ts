import type { Log } from './log.js'

/**
 * Logs in the order of their last use. The links are in the logs themselves: to move one costs the same however many there
 * are, which a Set, walking over the places of what was deleted at its front, does not give.
 */
export class LogList {
  #first: Log | undefined
  #last: Log | undefined

  /** The longest unused log. */
  get first (): Log | undefined {
    return this.#first
  }

  /** Puts a log at the end, taking it out of the list that it is in. */
  push (log: Log): void {
    log.list?.delete(log)
    log.list = this
    log.previous = this.#last
    if (this.#last) this.#last.next = log
    else this.#first = log
    this.#last = log
  }

  /** Takes out a log of this list. */
  delete (log: Log): void {
    if (log.previous) log.previous.next = log.next
    else this.#first = log.next
    if (log.next) log.next.previous = log.previous
    else this.#last = log.previous
    log.list = log.previous = log.next = undefined
  }
}
