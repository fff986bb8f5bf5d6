/**
 * The true content of the logs, on any server: each epoch with the one that it came from and the offset up to which that
 * is a part of it. A message has one place in this tree, the epoch and offset under which it was appended.
 */
export class Tree {
  #channels = new Map()
  #report

  /** @param report is called with `kind` and `text` of what must not be */
  constructor (report) {
    this.#report = report
  }

  /** @param term that in which the epoch begins: its name, and when it was decided */
  begin (channel, name, parent, bound, term) {
    const epochs = this.#epochs(channel)
    if (epochs.has(name)) this.#report('epoch', `the epoch ${name} began twice`)
    epochs.set(name, { name, parent: parent === undefined ? undefined : epochs.get(parent), bound, term, entries: new Map() })
  }

  append (channel, name, offset, key, at, by) {
    const epoch = this.#epochs(channel).get(name)
    const known = epoch.entries.get(offset)
    if (known !== undefined) this.#report('ambiguous', `${channel} ${name}:${offset} is ${known.key} at ${known.by} and ${key} at ${by}`)
    epoch.entries.set(offset, { channel, epoch, offset, key, at, by, acknowledgements: [] })
  }

  /** The term of an epoch. */
  termOf (channel, name) {
    return this.#epochs(channel).get(name)?.term
  }

  /** The message that an id names, be it that of its own epoch or of one that came from it. */
  find (channel, name, offset) {
    for (let epoch = this.#epochs(channel).get(name); epoch !== undefined; epoch = epoch.parent) {
      const entry = epoch.entries.get(offset)
      if (entry !== undefined) return entry
      if (offset > epoch.bound) return undefined
    }
    return undefined
  }

  /** Whether a reader that goes on from a position comes to a message, unless it leaves this branch. */
  isAhead (entry, { epoch: name, offset }) {
    if (entry.offset <= offset) return false
    const from = this.#epochs(entry.channel).get(name)
    if (from === undefined) return false
    let limit = Infinity
    for (let epoch = from; epoch !== undefined; epoch = epoch.parent) {
      if (epoch === entry.epoch) return entry.offset <= limit
      limit = Math.min(limit, epoch.bound)
    }
    for (let epoch = entry.epoch; epoch !== undefined; epoch = epoch.parent) if (epoch.parent === from) return offset <= epoch.bound
    return false
  }

  /** The last position that two have in common; the first one where they have nothing in common. */
  fork (channel, one, other) {
    const limits = this.#limits(channel, other)
    for (const [name, limit] of this.#limits(channel, one)) {
      if (limits.has(name)) return { epoch: name, offset: Math.min(limit, limits.get(name)) }
    }
    return one
  }

  /** Of each epoch on the way to a position, the newest first, the last offset that is part of the way. */
  #limits (channel, { epoch: name, offset }) {
    const limits = new Map()
    let limit = offset
    for (let epoch = this.#epochs(channel).get(name); epoch !== undefined; epoch = epoch.parent) {
      limits.set(epoch.name, limit)
      limit = Math.min(limit, epoch.bound)
    }
    return limits
  }

  * entries (channel) {
    for (const { entries } of this.#epochs(channel).values()) yield * entries.values()
  }

  #epochs (channel) {
    let epochs = this.#channels.get(channel)
    if (epochs === undefined) this.#channels.set(channel, epochs = new Map())
    return epochs
  }
}
