// `npm run redis-return`: how long is it from Redis answering again until every subscriber has all that was acknowledged?
// Two instances, one Redis that is killed and comes back with its data, 1,000 channels with a subscriber at each instance, and
// publishers who do not stop. Ends with 1 when it takes too long, or when anything is lost, repeated or needlessly a gap.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { prepare } from './build.mjs'
import { Prng } from './prng.mjs'
import { percentile } from './recovery.mjs'
import { table, violationText } from './report.mjs'

/** Maximum of the 99th percentile over all subscribers. */
const LIMIT_MS = 1_500
const INSTANCES = 2
const PUBLISHERS = 4
/** One subscriber in so many leaves and comes back while Redis is away. */
const RETURNING_EVERY = 10
const STEADY_MS = 3_000
const MIN_DOWN_MS = 300
const MAX_DOWN_MS = 3_000
/** Time limit for a subscriber to be served. */
const GIVE_UP_MS = 30_000
const LINGER_MS = 500
/** More messages than a publisher sends before it is stopped. */
const ENDLESS = 1e6
const POLL_MS = 10

function number (name, byDefault) {
  const { values } = parseArgs({ options: { channels: { type: 'string' }, rounds: { type: 'string' }, rate: { type: 'string' }, seed: { type: 'string' } } })
  const value = Number(values[name] ?? byDefault)
  if (value > 0) return value
  process.stderr.write(`--${name} must be a number above 0\nusage: node faults/redis-return.mjs [--channels 1000] [--rounds 6] [--rate 300] [--seed 1]\n`)
  process.exit(2)
}

const [channels, rounds, rate, seed] = [number('channels', 1_000), number('rounds', 6), number('rate', 300), number('seed', 1)]

prepare()
setTimeout(() => {
  console.error('the run did not end by itself')
  process.exit(1)
}, (rounds + 2) * (STEADY_MS + MAX_DOWN_MS + GIVE_UP_MS)).unref()

// It loads the client that was built.
const { Crowd } = await import('./crowd.mjs')
const prng = new Prng(seed)
const begin = performance.now()
const crowd = new Crowd(() => performance.now() - begin)
const { oracle } = crowd
await crowd.create({ channels, instances: INSTANCES, publishers: PUBLISHERS, prng })
const sending = crowd.publishers.map((publisher) => publisher.run(ENDLESS, ENDLESS * 1_000 * PUBLISHERS / rate))

/** Redis is killed and comes back; gives the milliseconds that each subscriber was behind for, and for how long Redis was away. */
async function takeRound () {
  await delay(STEADY_MS)
  for (const member of crowd.members) member.caughtUpAt = undefined
  const downMs = prng.integer(MIN_DOWN_MS, MAX_DOWN_MS)
  crowd.backAt = Infinity
  await crowd.redis.restart({
    keepsData: true,
    downMs,
    onDown () {
      for (const member of crowd.members.filter((_, index) => index % RETURNING_EVERY === 0)) {
        member.close()
        void member.open()
      }
    }
  })
  crowd.backAt = crowd.now()
  await crowd.mark()
  const publishingMs = crowd.now() - crowd.backAt
  while (crowd.members.some(({ caughtUpAt }) => caughtUpAt === undefined) && crowd.now() - crowd.backAt < GIVE_UP_MS) await delay(POLL_MS)
  return { downMs, publishingMs, waits: crowd.members.map(({ caughtUpAt = Infinity }) => caughtUpAt - crowd.backAt) }
}

const ms = (value) => `${Math.round(value).toLocaleString('en-US')} ms`
const cells = (waits) => [ms(percentile(waits, 0.5)), ms(percentile(waits, 0.99)), ms(Math.max(...waits))]
const rows = []
const all = []
for (let round = 1; round <= rounds; round++) {
  const { downMs, publishingMs, waits } = await takeRound()
  all.push(...waits)
  rows.push([String(round), ms(downMs), ms(publishingMs), ...cells(waits)])
  console.error(`round ${round} of ${rounds}: ${cells(waits).join(', ')}`)
}
for (const publisher of crowd.publishers) publisher.stop()
await Promise.all(sending)
await crowd.mark()
const isComplete = () => oracle.histories.every((history) => oracle.isComplete(history))
for (const end = crowd.now() + GIVE_UP_MS; crowd.now() < end && !isComplete();) await delay(POLL_MS)
await delay(LINGER_MS)
await crowd.end()

const { acknowledged, deliveries, lost, duplicated, gaps } = oracle.conclude()
rows.push(['all', '', '', ...cells(all)])
console.log(`${INSTANCES} instances, ${channels} channels, ${crowd.members.length} subscribers; ${acknowledged} messages acknowledged, ${deliveries} handed over, ${lost} lost, ${duplicated} repeated, ${Object.keys(gaps).length} kinds of gaps\n`)
console.log(table(['round', 'Redis away', 'until all channels took a message', 'caught up p50', 'p99', 'max'], rows))
const violations = violationText({ seed, violations: oracle.violations, violationCounts: oracle.counts, command: `npm run redis-return -- --seed ${seed}` })
if (violations !== '') console.log(`\n${violations}`)
process.exit(violations === '' && Object.keys(gaps).length === 0 && percentile(all, 0.99) < LIMIT_MS ? 0 : 1)
