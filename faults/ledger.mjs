/** The epoch and the offset of an id, or `undefined` for what is not one. */
export function parseId (id) {
  const colon = typeof id === 'string' ? id.lastIndexOf(':') : -1
  const offset = colon > 0 ? Number(id.slice(colon + 1)) : NaN
  return Number.isSafeInteger(offset) ? { epoch: id.slice(0, colon), offset } : undefined
}

/** The known content of each log, which has one epoch: the message under each id, and whether it was acknowledged. */
export class Ledger {
  #report
  #channels = new Map()
  /** By channel and epoch: the later epochs that took it over, each with the offset up to which it certainly did. */
  #successors = new Map()
  /** Messages that a publisher got a 200 for. */
  acknowledged = 0

  /** @param report is called with each violation: `{ kind, channel, text }` */
  constructor (report) {
    this.#report = report
  }

  /** Takes the answer to a publisher. `by` is the process that gave it. */
  acknowledge (channel, id, key, by = true) {
    const position = parseId(id)
    if (position === undefined || position.offset < 1) { this.#report({ kind: 'malformed', channel, text: `the answer for ${key} has the id ${id}` }); return }
    const log = this.#enter(channel, position, key)
    if (log.acknowledged[position.offset]) return
    log.acknowledged[position.offset] = by
    this.acknowledged++
  }

  /** Takes what a subscriber got; the first to name an id, publisher or subscriber, decides what the others must say. */
  enter (channel, position, key) {
    this.#enter(channel, position, key)
  }

  /** A subscriber was led from a position to another epoch without a gap: all up to there has to be the same in both. */
  carry (channel, { epoch, offset }, successor) {
    const key = `${channel} ${epoch}`
    let successors = this.#successors.get(key)
    if (successors === undefined) this.#successors.set(key, successors = new Map())
    successors.set(successor, Math.max(offset, successors.get(successor) ?? 0))
  }

  /** `{ epoch, acknowledged, keys }` for each log of a channel; both are arrays by offset, the first of the processes that answered. */
  logs (channel) {
    return [...this.#channels.get(channel) ?? []].map(([epoch, { acknowledged, keys }]) => ({ epoch, acknowledged, keys }))
  }

  /** Every position at which a message is known to stand. */
  positionsOf (channel, key) {
    const logs = [...this.#channels.get(channel) ?? []]
    return logs.flatMap(([epoch, { offsets }]) => offsets.has(key) ? [{ epoch, offset: offsets.get(key) }] : [])
  }

  /** The key of the message at a position; `undefined` if it is not known. */
  keyAt (channel, { epoch, offset }) {
    return this.#channels.get(channel)?.get(epoch)?.keys[offset]
  }

  /** Whether a position is certainly part of a later epoch, too. */
  isPartOf (channel, { epoch, offset }, successor) {
    return offset <= (this.#successors.get(`${channel} ${epoch}`)?.get(successor) ?? 0)
  }

  /** Compares what was carried over with what it became; to be called once, at the end. */
  compare () {
    for (const [channel, logs] of this.#channels) {
      for (const [epoch, { keys }] of logs) {
        for (const [successor, bound] of this.#successors.get(`${channel} ${epoch}`) ?? []) {
          const later = logs.get(successor)
          if (later !== undefined) this.#compare(channel, { epoch, keys, bound }, { epoch: successor, ...later })
        }
      }
    }
  }

  #compare (channel, { epoch, keys, bound }, later) {
    for (let offset = 1; offset <= bound; offset++) {
      const key = keys[offset]
      if (key === undefined) continue
      const other = later.keys[offset]
      if (other !== undefined && other !== key) this.#report({ kind: 'mixed up', channel, text: `${epoch}:${offset} is ${key}, and ${later.epoch}:${offset}, to which it was carried over, is ${other}` })
      const again = later.offsets.get(key)
      if (again !== undefined && again !== offset) this.#report({ kind: 'repeated', channel, text: `${key} stands under ${epoch}:${offset}, which was carried over to ${later.epoch}, and there under ${again}: its idempotency key did not hold` })
    }
  }

  /** The last acknowledged position of each channel, in the log that is known for the shortest time. */
  heads () {
    return new Map([...this.#channels].map(([channel, logs]) => {
      const [epoch, { acknowledged }] = [...logs].at(-1)
      return [channel, { epoch, offset: acknowledged.length - 1 }]
    }))
  }

  /** Messages that stand at another offset in another log: they were lost before their answer arrived, and the publisher repeated them. */
  get republished () {
    const republished = new Set()
    for (const [channel, logs] of this.#channels) {
      const seen = new Map()
      for (const { offsets } of logs.values()) {
        for (const [key, offset] of offsets) if ((seen.get(key) ?? offset) !== offset) republished.add(`${channel} ${key}`); else seen.set(key, offset)
      }
    }
    return republished.size
  }

  #enter (channel, { epoch, offset }, key) {
    const log = this.#log(channel, epoch)
    const known = log.keys[offset]
    if (known === undefined) {
      const other = log.offsets.get(key)
      if (other !== undefined) this.#report({ kind: 'repeated', channel, text: `${key} stands under ${epoch}:${other} and ${epoch}:${offset}: its idempotency key did not hold` })
      log.keys[offset] = key
      log.offsets.set(key, offset)
    } else if (known !== key) {
      this.#report({ kind: 'mixed up', channel, text: `${epoch}:${offset} is ${known} for one and ${key} for another` })
    }
    return log
  }

  #log (channel, epoch) {
    let logs = this.#channels.get(channel)
    if (logs === undefined) this.#channels.set(channel, logs = new Map())
    let log = logs.get(epoch)
    if (log === undefined) logs.set(epoch, log = { keys: [], offsets: new Map(), acknowledged: [] })
    return log
  }
}
