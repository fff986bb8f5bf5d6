/** Lets many do something at the same time, or one who must be alone; whoever comes while one waits to be alone comes after. */
export class Gate {
  #inside = new Set()
  #alone = Promise.resolve()

  /** Takes a step beside others of these. */
  async share (step) {
    await this.#alone
    const done = step()
    const settled = done.then(() => {}, () => {})
    this.#inside.add(settled)
    void settled.then(() => { this.#inside.delete(settled) })
    return await done
  }

  /** Takes a step when nobody else is inside, and keeps everybody out until it is over. */
  async close (step) {
    const done = this.#alone.then(async () => {
      await Promise.all(this.#inside)
      return await step()
    })
    this.#alone = done.then(() => {}, () => {})
    return await done
  }
}
