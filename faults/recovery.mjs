/**
 * Measures how long subscribers are without messages: from the end of a fault, or the cut, until a subscriber that was hit
 * holds a message that was published after it. As messages come in order it then also has all before it, or was told of a gap.
 * For a subscriber that is hit again before that, the time begins again at the end of the later fault.
 */
export class Recovery {
  /** Milliseconds by kind of fault. */
  samples = {}
  /** Milliseconds until all who were hit by a fault of that kind were up to date, by kind. */
  together = {}
  #pending = new Map()
  /** Those who are waited for together. */
  #party
  #now

  constructor (now) {
    this.#now = now
  }

  /** A fault that hit these subscribers is over. */
  expect (histories, kind) {
    for (const history of histories) {
      this.#party?.left.delete(history)
      this.#pending.set(history, { kind, since: this.#now() })
    }
  }

  /** The same for a fault that hit everybody, of whom the last one counts, too. Who is hit by another fault meanwhile is left out. */
  expectTogether (histories, kind) {
    this.disturb()
    this.expect(histories, kind)
    this.#party = { kind, since: this.#now(), left: new Set(histories) }
  }

  /** Another fault hits many: who is waited for together is not measured any more. */
  disturb () {
    this.#party = undefined
  }

  /** A subscriber was handed a message that was published at `sentAt`. */
  received (history, sentAt) {
    const pending = this.#pending.get(history)
    if (pending === undefined || sentAt < pending.since) return
    this.#pending.delete(history);
    (this.samples[pending.kind] ??= []).push(this.#now() - pending.since)
    const party = this.#party
    if (!party?.left.delete(history) || party.left.size > 0) return
    (this.together[party.kind] ??= []).push(this.#now() - party.since)
    this.#party = undefined
  }
}

/** The value below which a part `p` of the samples lies. */
export function percentile (samples, p) {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]
}
