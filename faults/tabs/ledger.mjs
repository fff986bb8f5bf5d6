/**
 * The messages of a channel that a tab has received, compared with those that were published: consecutive numbers from the first on,
 * which may not be later than the first one that was published after the tab was told that it is open.
 */
export class TabLedger {
  lost = 0
  twice = 0
  gaps = 0
  received = 0
  /** The number that has to come next. */
  next
  #openedAt

  /** @param published when each message was handed to the service, by number */
  constructor (published) {
    this.published = published
  }

  opened (at) {
    this.#openedAt ??= at
  }

  gap () {
    this.gaps++
  }

  take (number) {
    this.next ??= this.#first() ?? number
    this.received++
    if (number < this.next && this.received > 1) this.twice++
    else {
      this.lost += Math.max(0, number - this.next)
      this.next = number + 1
    }
  }

  /** Adds what never came. */
  end () {
    const next = this.next ?? this.#first() ?? this.published.length
    this.lost += this.published.length - next
  }

  /** The first message that must not be missed: the one before may have been on its way. */
  #first () {
    const index = this.published.findIndex((at) => at > this.#openedAt)
    return index < 0 ? undefined : index
  }
}
