import { start } from '../../dist/src/server.js'

/** The service as it is built, in this process, with a heartbeat of so many milliseconds. */
export async function createApp (heartbeatMs) {
  return await start({ PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'error', BEARER_TOKEN: 'tabs', DRAIN_SECONDS: '0', PING_INTERVAL: String(heartbeatMs / 1_000), HISTORY_SIZE: '1000' })
}
