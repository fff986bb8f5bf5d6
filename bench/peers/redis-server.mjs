import { spawnSync } from 'node:child_process'
import { scratchDirectory } from '../process/children.mjs'

// As docs/instances.md recommends for production.
const SETTINGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--maxmemory-policy', 'noeviction']

/** Redis, started like a peer; nobody subscribes to it. */
export const redisServer = {
  id: 'redis-server',
  name: 'redis-server',
  get version () { return `Redis ${version()}` },
  missing () {
    return version() === undefined ? 'redis-server is not installed (Debian: apt-get install redis-server)' : undefined
  },
  launch: (port) => ({ command: 'redis-server', args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', scratchDirectory(), ...SETTINGS], env: {} })
}

function version () {
  return /v=(\S+)/.exec(spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
}
