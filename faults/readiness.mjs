import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const POLL_MS = 50
/** An instance that is ready for as long after a fault has noticed it, or does not have to. */
const GRACE_MS = 3_000

/**
 * Measures how long instances are not ready: from when Redis is there again, or the way to it, until `/-/ready` says so. What is
 * hit again meanwhile is measured from the end of the later fault. One that is being restarted at that time is not measured: that would
 * be the start of a process.
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
  #poll
  #stopped = false

  /** @param onReady is called with an instance that has been ready for a while after a fault */
  constructor (instances, now, onReady = () => {}) {
    this.#instances = instances
    this.#now = now
    this.#onReady = onReady
  }

  /** Begins to ask. */
  start () {
    const byPort = new Map(this.#instances.map((instance) => [instance.port, instance]))
    const begin = performance.timeOrigin + performance.now() - this.#now()
    this.#poll = new Worker(new URL('readiness-poll.mjs', import.meta.url), { workerData: [...byPort.keys()] })
    this.#poll.on('message', ({ port, reason, askedAt, answeredAt }) => {
      if (!this.#stopped) this.#take(byPort.get(port), reason, askedAt - begin, answeredAt - begin)
    })
    this.#poll.unref()
  }

  stop () {
    this.#stopped = true
    void this.#poll?.terminate()
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
    const since = this.#now()
    for (const instance of instances) {
      const isMeasured = !instance.restarting
      this.#pending.set(instance, { kind, since, readyAt: undefined, wasAway: false, isMeasured, reasons: [] })
    }
  }

  #take (instance, reason, askedAt, answeredAt) {
    const pending = this.#pending.get(instance)
    if (pending === undefined || askedAt < pending.since) return
    if (reason !== undefined) {
      if (pending.reasons.at(-1)?.reason !== reason) pending.reasons.push({ reason, ms: answeredAt - pending.since })
      pending.wasAway = true
      pending.readyAt = undefined
      return
    }
    pending.readyAt ??= answeredAt
    if (answeredAt - pending.readyAt < GRACE_MS) return
    this.#pending.delete(instance)
    this.#record(pending)
    this.#onReady(instance)
  }

  #record ({ kind, since, readyAt, wasAway, isMeasured, reasons }) {
    if (!isMeasured) return
    const ms = wasAway ? readyAt - since : 0
    ;(this.samples[kind] ??= []).push(ms)
    if (ms > this.slowest.ms) this.slowest = { kind, ms, reasons }
  }
}
