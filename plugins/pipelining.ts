import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { endQueued, offAttached, onceAttached } from '../src/http/internals.js'
import { networkOf } from '../src/limits/address.js'

/**
 * Delays requests that read or subscribe until earlier ones on their connection are answered (RFC 9112, section 9.3.2). Each takes a
 * place of its address and ends with the connection. Node (20) starts all of them at once, assigns the socket to a response when it
 * is its turn and, when the connection ends before that, does not notify it: its resources would never be released.
 */
export default fp(async (fastify) => {
  const { connections } = fastify.limits
  const queues = new WeakMap<Socket, Set<ServerResponse>>()

  const queue = (socket: Socket, response: ServerResponse): void => {
    let queued = queues.get(socket)
    if (queued === undefined) {
      const all = queued = new Set()
      queues.set(socket, queued)
      socket.once('close', () => { for (const one of all) endQueued(one) })
    }
    const all = queued.add(response)
    onceAttached(response, () => { all.delete(response) })
  }

  fastify.addHook('onRequest', (request, reply, done) => {
    if (reply.raw.socket !== null) { done(); return }
    queue(request.raw.socket, reply.raw)
    // Publishing is not delayed: it is answered at once.
    if (request.method !== 'GET') { done(); return }
    const address = networkOf(request.ip)
    connections.queue(address)
    const proceed = (): void => {
      reply.raw.off('close', leave)
      connections.dequeue(address)
      done()
    }
    const leave = (): void => {
      offAttached(reply.raw, proceed)
      connections.dequeue(address)
      reply.hijack()
    }
    onceAttached(reply.raw, proceed)
    reply.raw.once('close', leave)
  })
}, { name: 'messenger-pipelining', dependencies: ['messenger-limits'], fastify: '5.x' })
