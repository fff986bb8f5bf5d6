import type { FastifyPluginAsync } from 'fastify'
import { refusePath } from '../src/transports/refuse-websocket.js'

/** `GET /-/live` and `GET /-/ready`: what an orchestrator asks. */
const health: FastifyPluginAsync = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/-/live',
    handler: async () => await Promise.resolve({ status: 'live' }),
    wsHandler: refusePath
  })

  fastify.route({
    method: 'GET',
    url: '/-/ready',
    handler: async (_request, reply) => {
      const { ready, reason } = fastify.channels.status
      if (ready) return await Promise.resolve({ status: 'ready' })
      return await reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason: publicReason(reason) })
    },
    wsHandler: refusePath
  })
}

export default health

/** The code in what the engine said, such as WRONGPASS or ECONNREFUSED. The rest is for the log: it may tell addresses and names. */
function publicReason (reason: string): string {
  if (reason === 'closing') return reason
  const [code = 'not available'] = /\b(?:E[A-Z]{4,}|[A-Z]{5,})\b/.exec(reason) ?? []
  return `redis: ${code}`
}
