import { makeSchedule } from './schedule.mjs'
import { World } from './world.mjs'

const seed = Number(process.argv[2] ?? 1)
const count = Number(process.argv[3] ?? 1)
const began = process.hrtime.bigint()
let steps = 0
let acknowledged = 0
let deliveries = 0
let gaps = 0
const found = {}
for (let at = seed; at < seed + count; at++) {
  const world = new World(makeSchedule(at), process.env.TRACE ? console.log : undefined)
  const violation = await world.run()
  steps += world.clock.steps
  acknowledged += world.oracle.acknowledged
  deliveries += world.oracle.deliveries
  gaps += world.oracle.gaps
  if (violation) {
    found[violation.kind] = (found[violation.kind] ?? 0) + 1
    if (found[violation.kind] < 4) console.log(at, violation)
  }
}
const ms = Number(process.hrtime.bigint() - began) / 1e6
console.log({ count, ms: ms / count, steps: steps / count, acknowledged: acknowledged / count, deliveries: deliveries / count, gaps: gaps / count, found })
process.exit()
