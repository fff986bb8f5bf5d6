// Virtual time. Imported before everything of the product: it takes the place of the timers, the clocks and the randomness of this process.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { Random } from './random.mjs'

const realSetImmediate = globalThis.setImmediate
/** Steps that are handed to the event loop at once. */
const STEPS = 64
/** Some loops are busy. */
const TURNS_MS = [0.5, 0.5, 0.5, 5, 50]
/** Where virtual wall clocks begin, in milliseconds since 1970. */
const ORIGIN = 1_800_000_000_000

/** A process or a host, which can stand still or end: its timers and deliveries are held back or dropped. */
export class Owner {
  paused = false
  dead = false
  /** Tasks that came while it stood still. */
  held = []
  /** How long a turn of its event loop takes at most. */
  turnMs

  /** @param random decides what is random in it */
  constructor (random) {
    this.random = random
    this.turnMs = random.pick(TURNS_MS)
  }
}

class Task {
  cancelled = false

  constructor (at, order, owner, run) {
    this.at = at
    this.order = order
    this.owner = owner
    this.run = run
  }

  unref () { return this }
  ref () { return this }
}

/** The schedule of all events, in one deterministic order. */
export class Clock {
  now = 0
  /** Whose code runs: what it starts belongs to it. */
  owner
  random
  steps = 0
  #heap = []
  #order = 0
  #stopped = false

  constructor (seed) {
    this.random = new Random(seed, 0xc10c)
  }

  /** Calls `run` at a time, unless its owner has ended by then. */
  at (time, owner, run) {
    const task = new Task(Math.max(time, this.now), this.#order++, owner, run)
    push(this.#heap, task)
    return task
  }

  after (delay, owner, run) {
    return this.at(this.now + delay, owner, run)
  }

  /** Runs what an owner does, as if something had been delivered to it. */
  enter (owner, run) {
    const before = this.owner
    this.owner = owner
    try {
      return run()
    } finally {
      // The owner stays the current one until the next task; see `#step`.
      if (before !== undefined) this.owner = before
    }
  }

  pause (owner) {
    owner.paused = true
  }

  /** Schedules the held tasks at once: the timers first, as in an event loop, or in the order in which all of them were due. */
  resume (owner, timersFirst) {
    owner.paused = false
    const held = owner.held.splice(0)
    if (timersFirst) held.sort((one, other) => Number(other.isTimer === true) - Number(one.isTimer === true))
    for (const task of held) {
      task.at = this.now
      task.order = this.#order++
      push(this.#heap, task)
    }
  }

  stop () {
    this.#stopped = true
  }

  /** Runs until `until`, or until it is stopped. Microtasks and ticks of a task are over before the next one begins. */
  async run (until) {
    this.#stopped = false
    await new Promise((resolve, reject) => {
      let over = false
      const step = (last) => {
        if (over) return
        try {
          if (!this.#step(until)) { over = true; resolve(); return }
        } catch (error) {
          over = true
          reject(error)
          return
        }
        if (last) schedule()
      }
      const schedule = () => {
        for (let count = 1; count <= STEPS; count++) realSetImmediate(step, count === STEPS)
      }
      schedule()
    })
  }

  /** Runs tasks up to the first one of an owner; `false` when there is nothing left to do in this time. */
  #step (until) {
    for (;;) {
      this.owner = undefined
      if (this.#stopped) return false
      const task = this.#heap[0]
      if (task === undefined || task.at > until) {
        this.now = until
        return false
      }
      pop(this.#heap)
      if (task.cancelled) continue
      const { owner } = task
      if (owner !== undefined) {
        if (owner.dead) continue
        if (owner.paused) { owner.held.push(task); continue }
      }
      this.now = task.at
      this.steps++
      this.owner = owner
      task.run()
      // Also where a task of nobody has entered one.
      if (this.owner !== undefined) return true
    }
  }
}

function before (one, other) {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function push (heap, task) {
  let at = heap.push(task) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(task, heap[parent])) break
    heap[at] = heap[parent]
    at = parent
  }
  heap[at] = task
}

function pop (heap) {
  const last = heap.pop()
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++
    if (!before(heap[child], last)) break
    heap[at] = heap[child]
    at = child
  }
  heap[at] = last
}

/** The clock of the schedule that runs now. */
let clock = new Clock(0)

export function useClock (next) {
  clock = next
}

const random = () => clock.owner?.random ?? clock.random

function timer (delay, run) {
  const task = clock.after(delay, clock.owner, run)
  task.isTimer = true
  return task
}

const milliseconds = (delay) => delay > 0 ? Number(delay) : 1

globalThis.setTimeout = (callback, delay, ...args) => timer(milliseconds(delay), () => { callback(...args) })
globalThis.setInterval = (callback, delay, ...args) => {
  const handle = { unref: () => handle, ref: () => handle }
  const again = () => {
    handle.task = timer(milliseconds(delay), () => { again(); callback(...args) })
  }
  again()
  return handle
}
globalThis.setImmediate = (callback, ...args) => timer(random().next() * (clock.owner?.turnMs ?? 1), () => { callback(...args) })
globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = (handle) => {
  const task = handle?.task ?? handle
  if (task) task.cancelled = true
}
timers.setTimeout = (delay, value) => new Promise((resolve) => { timer(milliseconds(delay), () => { resolve(value) }) })
performance.now = () => clock.now
Date.now = () => Math.floor(ORIGIN + clock.now)
Math.random = () => random().next()
crypto.randomBytes = (size) => Buffer.from(Array.from({ length: size }, () => random().integer(0, 255)))
syncBuiltinESMExports()
