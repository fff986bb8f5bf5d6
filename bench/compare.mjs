// node bench/compare.mjs [--quick] [--base=<revision>] [--cases=w1,posts]: what does this tree cost beside an earlier revision?
// The earlier revision runs twice, as two entrants: how far these two are apart is the noise of the run.
import { cases } from './cases.mjs'
import { service } from './peers/service.mjs'
import { checkout } from './process/checkout.mjs'
import { startDeployment } from './process/deployment.mjs'
import { runLoad } from './process/load.mjs'
import { serviceEntry } from './process/prepare.mjs'
import { programWhenMain, progress } from './program.mjs'
import { inRounds } from './rounds.mjs'

const BASE = 'HEAD^'
const FULL = { subscribers: 1_000, warmUpMs: 2_000, measureMs: 2_500, repetitions: 6, connections: 5_000, settleMs: 3_000, warmUp: 6_000 }
const QUICK = { subscribers: 200, warmUpMs: 500, measureMs: 1_000, repetitions: 1, connections: 1_000, settleMs: 1_000, warmUp: 500 }
const AROUND_MS = 30_000

const connects = (id, transport, title) => ({
  id,
  transport,
  job: 'connects',
  title: () => title,
  options: ({ warmUp, measureMs }) => ({ atOnce: 32, warmUp, measureMs }),
  timeoutMs: ({ measureMs }) => measureMs + AROUND_MS
})
const known = ['w1', 'w16', 'posts', 'memory'].map((name) => cases.find(({ id }) => id === name))
const posts = known.find(({ id }) => id === 'posts')

/** The compared measurements. With Redis its CPU time counts, too. */
const COMPARED = [
  ...known,
  { ...posts, id: 'redis-posts', redis: true, title: () => 'Publishing on Redis to a channel without subscribers: the instance and Redis together' },
  connects('connects', 'websocket', 'WebSockets that come and go'),
  connects('streams', 'sse', 'Event streams that come and go')
]

/** Resolves to `{ settings, variants, cases }`, the medians of all repetitions, for each case. */
export async function compare ({ quick, base = BASE, cases: chosen }) {
  const settings = quick ? QUICK : FULL
  progress(`building ${base}`)
  const { revision, entry } = checkout(base)
  const entrants = [
    { id: 'base', name: revision, entry },
    { id: 'control', name: `${revision} again`, entry },
    { id: 'tree', name: '**this tree**', entry: serviceEntry }
  ]
  const ids = chosen?.split(',')
  const measured = []
  for (const each of COMPARED.filter(({ id }) => ids === undefined || ids.includes(id))) {
    const rows = await inRounds(each.id, entrants, { repetitions: settings.repetitions }, (entrant) => measureOnce(settings, each, entrant))
    measured.push({ id: each.id, title: each.title(settings), rows })
  }
  return { settings, variants: entrants.map(({ id, name }) => ({ id, name })), cases: measured }
}

async function measureOnce (settings, { job, options, timeoutMs, transport, redis = false }, { id, name, entry }) {
  const deployment = await startDeployment({ peer: service(id, name, { entry, transport }), instances: 1, redis })
  try {
    const { targets, pids } = deployment
    const load = runLoad(job, { target: targets[0], targets, pids, ...options(settings) }, timeoutMs(settings))
    return await Promise.race([load, deployment.gone])
  } finally {
    await deployment.stop()
  }
}

await programWhenMain(import.meta, 'compare', compare, { base: { type: 'string' }, cases: { type: 'string' } })
