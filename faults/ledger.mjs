/** The epoch and the offset of an id, or `undefined` for what is not one. */
export function parseId (id) {
  const colon = typeof id === 'string' ? id.lastIndexOf(':') : -1
  const offset = colon > 0 ? Number(id.slice(colon + 1)) : NaN
  return Number.isSafeInteger(offset) ? { epoch: id.slice(0, colon), offset } : undefined
}

/** What is known of each log: which message stands under which id, and which of them were acknowledged. */
export class Ledger {
  #report
  #channels = new Map()
  /** Messages that a publisher got a 200 for. */
  acknowledged = 0

  /** @param report is called with each violation: `{ kind, channel, text }` */
  constructor (report) {
    this.#report = report
  }

  /** Takes the answer to a publisher. */
  acknowledge (channel, id, key) {
    const position = parseId(id)
    if (position === undefined || position.offset < 1) { this.#report({ kind: 'malformed', channel, text: `the answer for ${key} has the id ${id}` }); return }
    const log = this.#enter(channel, position, key)
    if (log.acknowledged[position.offset]) return
    log.acknowledged[position.offset] = true
    this.acknowledged++
  }

  /** Takes what a subscriber got; the first to name an id, publisher or subscriber, decides what the others must say. */
  enter (channel, position, key) {
    this.#enter(channel, position, key)
  }

  /** `[epoch, acknowledged]` for each log of a channel; the second is an array of flags by offset. */
  logs (channel) {
    return [...this.#channels.get(channel) ?? []].map(([epoch, { acknowledged }]) => [epoch, acknowledged])
  }

  /** The last acknowledged position of each channel, in the log that is known for the shortest time. */
  heads () {
    return new Map([...this.#channels].map(([channel, logs]) => {
      const [epoch, { acknowledged }] = [...logs].at(-1)
      return [channel, { epoch, offset: acknowledged.length - 1 }]
    }))
  }

  /** Messages that stand in more than one log: a log was lost between the message and its answer, and the publisher repeated it. */
  get republished () {
    let count = 0
    for (const logs of this.#channels.values()) {
      const seen = new Set()
      for (const { offsets } of logs.values()) {
        for (const key of offsets.keys()) if (seen.has(key)) count++; else seen.add(key)
      }
    }
    return count
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
