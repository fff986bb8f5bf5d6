/**
 * The entries of the instances in their register in Redis, as far as a loss of data leaves them in doubt. The entry of a dead instance
 * stays, so that the others notice its absence and announce a loss of what it alone knew. If its entry was lost, too, its absence is
 * not noticed: its acknowledged messages have then vanished, unless an instance is still alive that was there when it began.
 */
export class Register {
  #lives = new Map()
  #all = []
  #now

  constructor (now) {
    this.#now = now
  }

  /** A process begins; returns what stands for it. */
  begin (name) {
    const witnesses = [...this.#lives.values()].filter(({ readyAt }) => readyAt < Infinity)
    const life = { name, vanished: false, readyAt: Infinity, isOver: false, isRecorded: true, hasCompared: true, witnesses }
    this.#lives.set(name, life)
    this.#all.push(life)
    return life
  }

  /** It has its entry by now. */
  ready (name) {
    const life = this.#lives.get(name)
    if (life !== undefined && life.readyAt === Infinity) life.readyAt = this.#now()
  }

  end (name) {
    const life = this.#lives.get(name)
    if (life === undefined) return
    life.isOver = true
    this.#lives.delete(name)
    this.#judge()
  }

  /** Writes after `from` may be lost, and every instance has to compare. */
  lose (from) {
    for (const life of this.#all) {
      life.hasCompared = false
      if (life.readyAt >= from) life.isRecorded = false
    }
    this.#judge()
  }

  /** An instance has compared what it knew with what is left. */
  compare (name) {
    const life = this.#lives.get(name)
    if (life !== undefined) life.hasCompared = life.isRecorded = true
  }

  /** The present life of the process of that name. */
  lifeOf (name) {
    return this.#lives.get(name)
  }

  #judge () {
    const isGone = ({ isOver, hasCompared }) => isOver && !hasCompared
    for (const life of this.#all) life.vanished ||= !life.isRecorded && isGone(life) && life.witnesses.every(isGone)
  }
}
