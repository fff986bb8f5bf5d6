// node bench/receipts.mjs [--quick]: are the receipts of two instances exact, and the latency in them what the subscribers measure?
import { service } from './peers/service.mjs'
import { startDeployment } from './process/deployment.mjs'
import { runLoad } from './process/load.mjs'
import { programWhenMain, progress } from './program.mjs'

const TIMEOUT_MS = 300_000
const SETTINGS = { sockets: 200, deaf: 20, streams: 10, waitSeconds: 1 }

/** Resolves to the settings and `rows`, one for each message: its receipts, and what the subscribers measured. */
export async function receipts ({ quick }) {
  const settings = { ...SETTINGS, warmUp: quick ? 3 : 40, runs: quick ? 3 : 20 }
  const peer = service('messenger', 'fastify-messenger', { env: { MAX_CONNECTIONS_PER_ADDRESS: '1000' } })
  const { targets, gone, stop } = await startDeployment({ peer, instances: 2, redis: true })
  try {
    progress(`receipts  ${settings.runs} messages`)
    return { ...settings, ...await Promise.race([gone, runLoad('receipts', { targets, ...settings }, TIMEOUT_MS)]) }
  } finally {
    await stop()
  }
}

await programWhenMain(import.meta, 'receipts', receipts)
