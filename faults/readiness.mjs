import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50
/** An instance that is ready for as long after a fault has noticed it, or does not have to. */
const GRACE_MS = 3_000

/**
 * Measures how long instances are not ready: from when Redis is there again, or the way to it, until `/-/ready` says so. What is
 * hit again meanwhile is measured from the end of the later fault.
 */
export class Readiness {
  /** Milliseconds by kind of fault; 0 where an instance was ready all the time. */
  samples = {}
  /** The longest time, and its causes: the reasons that the instance gave, each with the milliseconds since the end of the fault. */
  slowest = { kind: '', ms: 0, reasons: [] }
  #instances
  #now
  #onReady
  #pending = new Map()
  #stopped = false

  /** @param onReady is called with an instance that has been ready for a while after a fault */
  constructor (instances, now, onReady = () => {}) {
    this.#instances = instances
    this.#now = now
    this.#onReady = onReady
  }

  /** Begins to ask. */
  start () {
    for (const instance of this.#instances) void this.#follow(instance)
  }

  stop () {
    this.#stopped = true
  }

  /** Another fault hits these instances: those that were away and are back by now are measured, the others with the later fault. */
  disturb (instances = this.#instances) {
    for (const instance of instances) {
      const pending = this.#pending.get(instance)
      this.#pending.delete(instance)
      if (pending?.wasAway && pending.readyAt !== undefined) this.#record(pending)
    }
  }

  /** Resolves when nothing is left to be measured. */
  async idle () {
    while (this.#pending.size > 0 && !this.#stopped) await delay(POLL_MS)
  }

  /** A fault that hit these instances is over. */
  expect (kind, instances = this.#instances) {
    for (const instance of instances) {
      this.#pending.set(instance, { kind, since: this.#now(), readyAt: undefined, wasAway: false, reasons: [] })
    }
  }

  async #follow (instance) {
    while (!this.#stopped) {
      const askedAt = this.#now()
      this.#take(instance, await instance.whyNotReady(), askedAt)
      await delay(POLL_MS)
    }
  }

  #take (instance, reason, askedAt) {
    const pending = this.#pending.get(instance)
    if (pending === undefined || askedAt < pending.since) return
    const now = this.#now()
    if (reason !== undefined) {
      if (pending.reasons.at(-1)?.reason !== reason) pending.reasons.push({ reason, ms: now - pending.since })
      pending.wasAway = true
      pending.readyAt = undefined
      return
    }
    pending.readyAt ??= now
    if (now - pending.readyAt < GRACE_MS) return
    this.#pending.delete(instance)
    this.#record(pending)
    this.#onReady(instance)
  }

  #record ({ kind, since, readyAt, wasAway, reasons }) {
    const ms = wasAway ? readyAt - since : 0
    ;(this.samples[kind] ??= []).push(ms)
    if (ms > this.slowest.ms) this.slowest = { kind, ms, reasons }
  }
}
