import { join } from 'node:path'
import { benchRoot } from './prepare.mjs'
import { startServer } from './server.mjs'

const peer = {
  name: 'fastify-messenger',
  transport: 'websocket',
  protocol: 'messenger',
  readyPath: '/-/ready',
  ipc: true,
  launch: () => ({ command: process.execPath, args: ['--expose-gc', join(benchRoot, 'servers/observed-service.mjs')], env: {} })
}

/** The service in a process that answers questions about its memory; `ask(request)` resolves to the answer. */
export async function startObservedService () {
  const server = await startServer(peer)
  const ask = (request) => Promise.race([server.gone, new Promise((resolve) => {
    server.child.once('message', resolve)
    server.child.send(request)
  })])
  return { ...server, ask }
}
