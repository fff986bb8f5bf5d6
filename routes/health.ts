import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'

/** `GET /-/live` and `GET /-/ready`: the probes of an orchestrator. */
const health: FastifyPluginAsync = async (fastify) => {
  fastify.route({
    ...OWN_ROUTE,
    method: 'GET',
    url: '/-/live',
    handler: async () => await Promise.resolve({ status: 'live' })
  })

  fastify.route({
    ...OWN_ROUTE,
    method: 'GET',
    url: '/-/ready',
    handler: async (_request, reply) => {
      const { status } = fastify.hub
      if (status.ready) return await Promise.resolve({ status: 'ready' })
      return await reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason: status.code })
    }
  })
}

export default health
