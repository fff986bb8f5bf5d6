// node bench/scrape.mjs [--quick]: how long does a scrape of /-/metrics take while very many subscribers have a channel each?
import { readFileSync } from 'node:fs'
import { service } from './peers/service.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { programWhenMain, progress } from './program.mjs'

const TIMEOUT_MS = 300_000
const CONNECTIONS = 20_000
/** Open files of a server besides its connections. */
const OTHER_FILES = 200

/** Resolves to `{ connections, wanted, scrapes, ms, serverMs, bytes }`. */
export async function scrape ({ quick }) {
  const wanted = quick ? 1_000 : CONNECTIONS
  const settings = { connections: Math.min(wanted, openFiles() - OTHER_FILES), warmUp: 5, scrapes: quick ? 10 : 50 }
  const unlimited = { MAX_CONNECTIONS: String(CONNECTIONS), MAX_CHANNELS: String(CONNECTIONS), PING_INTERVAL: '300' }
  const server = await startServer(service('messenger', 'fastify-messenger', { env: unlimited }))
  try {
    progress(`scrape  ${settings.connections} connections`)
    const { target, pids } = server
    const result = await Promise.race([server.gone, runLoad('scrape', { target, pids, ...settings }, TIMEOUT_MS)])
    return { ...settings, wanted, ...result }
  } finally {
    await server.stop()
  }
}

/** The number of files that a process may have open. */
function openFiles () {
  return Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity)
}

await programWhenMain(import.meta, 'scrape', scrape)
