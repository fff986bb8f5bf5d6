// node bench/publisher.mjs [--quick]: what does a message cost the service that fastify-messenger/publisher sends, beside one by a POST
// of its own? 1,000 messages in one tick to 1,000 channels, each with one subscriber.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { service } from './peers/service.mjs'
import { projectRoot } from './process/prepare.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { programWhenMain, progress } from './program.mjs'

const TIMEOUT_MS = 300_000
const CHANNELS = 1_000

/** Resolves to `{ channels, rounds, ways, foreign }`: microseconds of CPU a message of the service and of the publishing program. */
export async function publisher ({ quick }) {
  // Fewer messages than the service remembers keys without Redis.
  const settings = { channels: CHANNELS, warmUpRounds: quick ? 2 : 4, rounds: quick ? 4 : 16 }
  const server = await startServer(service('messenger', 'fastify-messenger', { env: { MAX_CONNECTIONS_PER_ADDRESS: '10000' } }))
  try {
    const module = pathToFileURL(join(projectRoot, 'dist/src/publisher/index.js')).href
    const { target, pids } = server
    const result = await Promise.race([server.gone, runLoad('publisher', { target, pids, publisher: module, ...settings }, TIMEOUT_MS)])
    progress(`publisher  ${result.ways.publisher.serverPerMessage.toFixed(1)} µs a message, posts ${result.ways.posts.serverPerMessage.toFixed(1)} µs`)
    return { ...settings, ...result }
  } finally {
    await server.stop()
  }
}

await programWhenMain(import.meta, 'publisher', publisher)
