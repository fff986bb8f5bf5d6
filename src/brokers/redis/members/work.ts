/** Changes of one channel that are yet to be sent. */
export interface Changes {
  readonly subs: ReadonlySet<string>
  /** Whether all members on this instance are to be sent, and others removed. */
  readonly complete: boolean
}

/** The work on the members of one channel: one command at a time, each with all changes until then. */
export class Work {
  running = false
  #subs = new Set<string>()
  #complete = false

  get isEmpty (): boolean {
    return !this.#complete && this.#subs.size === 0
  }

  add ({ subs, complete }: Changes): void {
    for (const sub of subs) this.#subs.add(sub)
    this.#complete ||= complete
  }

  take (): Changes {
    const taken = { subs: this.#subs, complete: this.#complete }
    this.#subs = new Set()
    this.#complete = false
    return taken
  }
}
