import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot, serviceEntry } from '../process/prepare.mjs'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))

function service (id, name, { transport = 'websocket', env = {} }) {
  return {
    id,
    name,
    version: `fastify-messenger ${version}`,
    transport,
    protocol: 'messenger',
    readyPath: '/-/ready',
    launch: () => ({ command: process.execPath, args: [serviceEntry], env: { LOG_LEVEL: 'silent', ...env } })
  }
}

export const services = [
  service('messenger', '**fastify-messenger**', {}),
  service('messenger-relay', 'fastify-messenger, `HISTORY_SIZE=0`', { env: { HISTORY_SIZE: '0' } }),
  service('messenger-sse', 'fastify-messenger, SSE', { transport: 'sse' })
]
