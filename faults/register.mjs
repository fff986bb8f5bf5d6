/**
 * What the instances' register in Redis knows of them, as far as a loss of data leaves it in doubt. An instance that dies stays in
 * the register, so that it is missed and a loss is announced for what it alone knew. Only when its entry was lost, too, nobody
 * misses it: what it acknowledged has then vanished, unless another instance lives that was there when it came.
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

  /** What was written after `from` may be lost, and everybody has to compare. */
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

  /** What stands for the process of that name now. */
  lifeOf (name) {
    return this.#lives.get(name)
  }

  #judge () {
    const isGone = ({ isOver, hasCompared }) => isOver && !hasCompared
    for (const life of this.#all) life.vanished ||= !life.isRecorded && isGone(life) && life.witnesses.every(isGone)
  }
}
