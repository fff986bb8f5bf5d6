import { makeSchedule } from './schedule.mjs'
import { World } from './world.mjs'

/** The world that is simulated now, for errors outside of every call. */
let world

for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => { world?.oracle.report('crash', error?.stack ?? String(error)) })
}

/** Runs a schedule; resolves with the violation, if any, and the numbers of the run. */
export async function simulate (schedule, trace) {
  world = new World(schedule, trace)
  const { oracle } = world
  // An uncaught error of an instance would have ended its process.
  const violation = await world.run().catch((error) => {
    oracle.report('crash', error.stack ?? String(error))
    return oracle.violation
  })
  const { steps } = world.clock
  const { acknowledged, deliveries, gaps } = world.oracle
  return { violation, numbers: { schedules: 1, steps, acknowledged, deliveries, gaps } }
}

/** Runs the schedules of these seeds; stops at the first violation when asked to. */
export async function simulateAll (seed, count, { onViolation, stopAtFirst = false }) {
  const total = {}
  for (let at = seed; at < seed + count; at++) {
    const { violation, numbers } = await simulate(makeSchedule(at >>> 0))
    for (const [name, value] of Object.entries(numbers)) total[name] = (total[name] ?? 0) + value
    if (violation === undefined) continue
    onViolation(at >>> 0, violation)
    if (stopAtFirst) break
  }
  return total
}
