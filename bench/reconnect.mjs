// node bench/reconnect.mjs [--quick]: 10,000 subscribers are cut at once, while messages go on, and come back with `?since=`.
import { openFilesLimit } from './measure/process.mjs'
import { services } from './peers/service.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { programWhenMain } from './program.mjs'

const RECOVER_WITHIN_MS = 60_000
const SPARE_FILES = 200

/** Resolves to what was lost (nothing, it is hoped) and the curve of reconnects. */
export async function reconnect ({ quick }) {
  const clients = Math.min(quick ? 500 : 10_000, openFilesLimit() - SPARE_FILES)
  const server = await startServer(services[0])
  try {
    return await Promise.race([server.gone, runLoad('reconnect', { target: server.target, clients, recoverWithinMs: RECOVER_WITHIN_MS }, 3 * RECOVER_WITHIN_MS)])
  } finally {
    await server.stop()
  }
}

await programWhenMain(import.meta, 'reconnect', reconnect)
