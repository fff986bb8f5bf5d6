// `npm run attack`: attacks the service as it is by default, with a small heap. `--seconds`, `--heap` (MiB), `--lanes`, `--rest` (s).
import { parseArgs } from 'node:util'
import { attack, faultsOf } from './attack.mjs'

const { values } = parseArgs({ options: {
  seconds: { type: 'string', default: '600' },
  heap: { type: 'string', default: '512' },
  lanes: { type: 'string', default: '4' },
  rest: { type: 'string', default: '30' },
  warmup: { type: 'string', default: '60' }
} })
const bounds = { maxRssMb: 700, maxP99Ms: 250, growth: 1.1 }
const seen = await attack({
  seconds: Number(values.seconds),
  heapMb: Number(values.heap),
  lanes: Number(values.lanes),
  restSeconds: Number(values.rest),
  warmUpSeconds: Number(values.warmup),
  subscribers: 100
})
const faults = faultsOf(seen, bounds)

if (seen.error === undefined) {
  const { before, after, peakMb, rounds, hits, honest } = seen
  console.table(Object.fromEntries(Object.entries(rounds).map(([name, count]) => [name, { rounds: count }])))
  console.table(Object.fromEntries(Object.entries(hits).filter(([, count]) => count > 0).map(([name, count]) => [name, { hits: count }])))
  console.table({
    'RSS in MiB': { before: Math.round(before.rssMb), most: Math.round(peakMb), after: Math.round(after.rssMb) },
    descriptors: { before: before.descriptors, after: after.descriptors },
    'places taken': { before: before.connections, after: after.connections }
  })
  console.log(`honest: ${honest.published} messages to 100 subscribers, publish p50 ${honest.p50.toFixed(1)} ms, p99 ${honest.p99.toFixed(1)} ms, worst ${honest.max.toFixed(1)} ms, lost ${honest.lost}, connections lost ${honest.closed}`)
}
for (const fault of faults) console.error(`FAILED: ${fault}`)
console.log(faults.length === 0 ? 'held' : 'did not hold')
process.exitCode = faults.length === 0 ? 0 : 1
