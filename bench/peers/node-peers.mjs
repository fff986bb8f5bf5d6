import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { benchRoot } from '../process/prepare.mjs'

/** The version of an installed package; read when asked for, since the packages may still have to be installed. */
export function versionOf (name) {
  return JSON.parse(readFileSync(join(benchRoot, 'node_modules', name, 'package.json'), 'utf8')).version
}

function nodePeer (id, name, packages, protocol, program = id) {
  return {
    id,
    name,
    get version () { return packages.map((each) => `${each} ${versionOf(each)}`).join(', ') },
    transport: 'websocket',
    protocol,
    launch: () => ({ command: process.execPath, args: [join(benchRoot, `servers/${program}.mjs`)], env: { NODE_ENV: 'production' } })
  }
}

export const baseline = nodePeer('express-ws', 'Express + `ws` (baseline)', ['express', 'ws'], 'plain')
export const socketIo = nodePeer('socket-io', 'Socket.IO', ['socket.io'], 'socket.io')
export const socketIoRedis = nodePeer('socket-io-redis', 'Socket.IO', ['socket.io', '@socket.io/redis-streams-adapter', 'redis'], 'socket.io', 'socket-io')
