// `npm run false-gaps`: is anybody told of a gap where nothing is lost? Two instances, subscribers of every kind, light publishing,
// and again and again what changes the term of a Redis server without a loss. Ends with 1 when anybody is told of a gap.
import { parseArgs } from 'node:util'
import { prepare } from './build.mjs'

const USAGE = 'usage: npm run false-gaps -- [--rounds 20] [--only restart,failover,attach] [--seed <number>]\n'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, only: { type: 'string', default: 'restart,failover,attach' }, seed: { type: 'string', default: String(Date.now() % 1e6) } } })
const rounds = Number(values.rounds)
const names = values.only.split(',')

prepare()

// It loads the client that was built.
const { CASES, Calm } = await import('./calm.mjs')
const { ms, table, violationText } = await import('./report.mjs')
const { percentile } = await import('./recovery.mjs')

if (!(rounds > 0) || names.some((name) => !(name in CASES))) {
  process.stderr.write(USAGE)
  process.exit(2)
}

const rows = []
const texts = []
for (const name of names) {
  const { text, setup, step } = CASES[name]
  const calm = new Calm(values.seed)
  try {
    await calm.create(setup)
    let clean = 0
    for (let round = 1; round <= rounds; round++) {
      const gaps = await calm.takeRound(name, step)
      if (gaps === 0) clean++
      console.error(`${text}, round ${round} of ${rounds}: ${gaps} gaps`)
    }
    const { lost, duplicated, carried, acknowledged, ready, violations, violationCounts } = await calm.end()
    rows.push([text, `${clean} of ${rounds}`, String(acknowledged), String(carried), String(lost), String(duplicated), ...[0.5, 0.99, 1].map((part) => ms(percentile(ready, part)))])
    texts.push(violationText({ seed: values.seed, violations, violationCounts, command: `npm run false-gaps -- --rounds ${rounds} --only ${name} --seed ${values.seed}` }))
    if (clean < rounds) process.exitCode = 1
  } finally {
    calm.close()
  }
}
console.log(table(['', 'rounds without a gap', 'messages', 'epochs changed', 'lost', 'repeated', 'ready again p50', 'p99', 'max'], rows))
const said = texts.filter(Boolean)
if (said.length > 0) console.log(`\n${said.join('\n\n')}`)
process.exit(said.length > 0 ? 1 : process.exitCode)
