import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, serviceEntry } from '../process/prepare.mjs'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))

// All of a benchmark's load comes from one address, and as fast as it can. What a version does not know it ignores.
const UNLIMITED = {
  MAX_CONNECTIONS_PER_ADDRESS: '1000000', MAX_SUBSCRIPTIONS_PER_ADDRESS: '1000000', MAX_SUBSCRIBES_PER_SECOND: '1000000', MAX_PUBLISHES_PER_SECOND: '1000000'
}

/** The service as a peer: `entry` is the program of another tree than this one, `env` what it is started with. */
export function service (id, name, { entry = serviceEntry, transport = 'websocket', env = {} } = {}) {
  return {
    id,
    name,
    version: `fastify-messenger ${version}`,
    transport,
    protocol: 'messenger',
    readyPath: '/-/ready',
    launch: () => ({ command: process.execPath, args: [entry], env: { LOG_LEVEL: 'silent', ...UNLIMITED, ...env } })
  }
}

export const services = [
  service('messenger', '**fastify-messenger**'),
  service('messenger-relay', 'fastify-messenger, `HISTORY_SIZE=0`', { env: { HISTORY_SIZE: '0' } }),
  service('messenger-sse', 'fastify-messenger, SSE', { transport: 'sse' })
]
