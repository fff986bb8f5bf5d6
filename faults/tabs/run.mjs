// `npm run tabs`: tabs of a real Chromium that share a connection while the one that has it is frozen, stopped, crashed, closed and
// hidden, and comes back. Does every tab receive everything once, and how soon does another one take over?
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { prepare } from '../build.mjs'

const DEFAULTS = { faults: '200', tabs: '10', rate: '40', heartbeat: '2000', seed: String(randomInt(1, 1e6)) }
const USAGE = 'usage: npm run tabs -- [--faults 200] [--tabs 10] [--rate <messages a second>] [--heartbeat <ms>] [--seed <number>]\n'
/** Time that a takeover may take in addition to one and a half heartbeats. */
const ALLOWANCE_MS = 2_000

let values
try {
  ({ values } = parseArgs({ options: Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, { type: 'string', default: value }])) }))
} catch (error) {
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
const [faults, tabs, rate, heartbeat] = ['faults', 'tabs', 'rate', 'heartbeat'].map((name) => Number(values[name]))
if (!(faults > 0 && tabs > 2 && rate > 0 && heartbeat >= 100)) {
  process.stderr.write(USAGE)
  process.exit(2)
}

prepare()

const { createApp } = await import('./app.mjs')
const { Scenario } = await import('./scenario.mjs')
const { percentile } = await import('../recovery.mjs')
const { ms, table } = await import('../report.mjs')

const app = await createApp(heartbeat)
const scenario = new Scenario(app, values.seed)
let result
try {
  await scenario.start(tabs, rate)
  for (let fault = 1; fault <= faults; fault++) {
    await scenario.fault()
    const { kind, ms: took } = scenario.takeovers.at(-1)
    console.error(`${fault} of ${faults}: ${kind}, ${Math.round(took)} ms`)
  }
  result = await scenario.settle()
} finally {
  await scenario.stop()
  await app.close()
}

const { takeovers } = scenario
const { errors, closes, ...counts } = result
const rows = ['all', ...new Set(takeovers.map(({ kind }) => kind))].map((name) => {
  const times = takeovers.filter(({ kind }) => name === 'all' || kind === name).map(({ ms }) => ms)
  return [name, String(times.length), ...[0.5, 0.99, 1].map((part) => ms(percentile(times, part)))]
})
const p99 = percentile(takeovers.map(({ ms }) => ms), 0.99)
const bound = 1.5 * heartbeat + ALLOWANCE_MS
console.log(table(['fault', 'times', 'all receive again p50', 'p99', 'max'], rows))
console.log(`\n${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}; takeover p99 ${Math.round(p99)} ms of ${bound} ms\ncloses told: ${JSON.stringify(closes)}`)
for (const error of errors) console.log(error)
const isBroken = counts.lost + counts.twice + counts.gaps + errors.length > 0 || p99 > bound
if (isBroken) console.log(`once more: npm run tabs -- ${Object.entries(values).map(([name, value]) => `--${name} ${value}`).join(' ')}`)
process.exit(isBroken ? 1 : 0)
