import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Resolves when the answers to earlier requests on the connection are sent and it is this one's turn, to `false` when the
     * connection ends before that. `undefined` where it is its turn already.
     */
    turnOf: (reply: FastifyReply) => Promise<boolean> | undefined
  }
}

/**
 * Sees to answers that wait for earlier ones on their connection (RFC 9112, section 9.3.2). Node (20) begins all requests at once,
 * gives a response the socket when it is its turn and, when the connection ends before that, tells it nothing: what belongs to
 * it would stay for good. Here the end of a connection is the end of all answers that wait on it.
 */
export default fp(async (fastify) => {
  const queues = new WeakMap<Socket, Set<ServerResponse>>()

  const wait = (socket: Socket, response: ServerResponse): void => {
    let queue = queues.get(socket)
    if (queue === undefined) {
      const waiting = queue = new Set()
      queues.set(socket, queue)
      socket.once('close', () => { for (const one of waiting) end(one) })
    }
    const all = queue.add(response)
    response.once('socket', () => { all.delete(response) })
  }

  fastify.decorate('turnOf', ({ raw }: FastifyReply) => {
    if (raw.socket !== null) return undefined
    return new Promise<boolean>((resolve) => {
      raw.once('socket', () => { resolve(true) })
      raw.once('close', () => { resolve(false) })
    })
  })
  fastify.addHook('onRequest', (request, reply, done) => {
    if (reply.raw.socket === null) wait(request.raw.socket, reply.raw)
    done()
  })
}, { name: 'messenger-pipelining', fastify: '5.x' })

function end (response: ServerResponse): void {
  response.destroy()
  response.emit('close')
}
