// node bench/connect.mjs [--quick] [--base=<revision>]: what does a subscriber that comes and goes cost, beside an earlier revision?
// The earlier revision runs twice, as two entrants: how far these two are apart is the noise of the run.
import { service } from './peers/service.mjs'
import { serviceEntry } from './process/prepare.mjs'
import { checkout } from './process/checkout.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { programWhenMain, progress } from './program.mjs'
import { inRounds } from './rounds.mjs'

const BASE = 'eb7cf8e'
const FULL = { atOnce: 32, warmUp: 6_000, measureMs: 2_500, repetitions: 6 }
const QUICK = { atOnce: 32, warmUp: 500, measureMs: 1_000, repetitions: 1 }
const AROUND_MS = 30_000
const TRANSPORTS = [['websocket', 'WebSocket'], ['sse', 'HTTP stream']]

/** What is compared with the base: the program, and the environment that it is started with. */
const variants = ({ revision, entry }) => [
  { id: 'base', name: revision, entry, env: {} },
  { id: 'control', name: `${revision} again`, entry, env: {} },
  { id: 'open', name: '**this tree**, open', entry: serviceEntry, env: {} }
]

/** Resolves to `{ settings, variants, cases }`, the medians of all repetitions, for each transport. */
export async function connect ({ quick, base = BASE }) {
  const settings = quick ? QUICK : FULL
  progress(`building ${base}`)
  const entrants = variants(checkout(base))
  const cases = []
  for (const [transport, title] of TRANSPORTS) {
    const rows = await inRounds(transport, entrants, { repetitions: settings.repetitions }, (variant) => measureOnce(settings, transport, variant))
    cases.push({ id: transport, title, rows })
  }
  return { settings, variants: entrants.map(({ id, name }) => ({ id, name })), cases }
}

async function measureOnce (settings, transport, { id, name, entry, env }) {
  const server = await startServer(service(id, name, { entry, env, transport }))
  try {
    const load = runLoad('connects', { target: server.target, pids: server.pids, ...settings }, settings.measureMs + AROUND_MS)
    return await Promise.race([load, server.gone])
  } finally {
    await server.stop()
  }
}

await programWhenMain(import.meta, 'connect', connect, { base: { type: 'string' } })
