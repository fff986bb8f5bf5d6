// Starts the server of a peer on a free loopback port and waits until it answers.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { get } from 'node:http'
import { freePort } from '../../scripts/free-port.mjs'
import { processTree } from '../measure/process.mjs'
import { start, stop } from './children.mjs'

const SERVER_CORE = 0
const READY_WITHIN_MS = 15_000
export const TOKEN = 'bench-token'

/**
 * Starts `peer`, with `moreEnv` in its environment, and resolves, once it is ready, to its target (what a load job needs to know),
 * its process ids and `stop()`.
 */
export async function startServer (peer, moreEnv = {}) {
  const port = await freePort()
  const { command, args, env } = peer.launch(port, TOKEN)
  const child = start(command, args, { core: SERVER_CORE, ipc: peer.ipc, env: { PORT: String(port), HOST: '127.0.0.1', BEARER_TOKEN: TOKEN, ...env, ...moreEnv } })
  const gone = child.gone.then((how) => { throw new Error(`${peer.name} ended early (${how}) ${child.errorText.trim()}`) })
  gone.catch(() => {})
  try {
    await Promise.race([gone, ready(port, peer.readyPath)])
  } catch (error) {
    await stop(child)
    throw error
  }
  return {
    target: { port, token: TOKEN, transport: peer.transport, protocol: peer.protocol, envelope: peer.envelope },
    child,
    pids: processTree(child.pid),
    gone,
    stop: () => stop(child)
  }
}

async function ready (port, path) {
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    if (await (path === undefined ? accepts(port) : answers(port, path))) return
    if (Date.now() > deadline) throw new Error(`not ready within ${READY_WITHIN_MS / 1_000} s`)
    await sleep(50)
  }
}

function accepts (port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => { socket.destroy(); resolve(true) }).on('error', () => resolve(false))
  })
}

function answers (port, path) {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}
