/**
 * Measures how long subscribers are without messages: from the end of a fault, or the cut, until a subscriber that was hit
 * holds a message that was published after it. As messages come in order it then also has all before it, or was told of a gap.
 * For a subscriber that is hit again before that, the time begins again at the end of the later fault.
 */
export class Recovery {
  /** Milliseconds by kind of fault. */
  samples = {}
  #pending = new Map()
  #now

  constructor (now) {
    this.#now = now
  }

  /** A fault that hit these subscribers is over. */
  expect (histories, kind) {
    for (const history of histories) this.#pending.set(history, { kind, since: this.#now() })
  }

  /** A subscriber was handed a message that was published at `sentAt`. */
  received (history, sentAt) {
    const pending = this.#pending.get(history)
    if (pending === undefined || sentAt < pending.since) return
    this.#pending.delete(history);
    (this.samples[pending.kind] ??= []).push(this.#now() - pending.since)
  }
}

/** The value below which a part `p` of the samples lies. */
export function percentile (samples, p) {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]
}
