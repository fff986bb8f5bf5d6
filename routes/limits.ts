import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { LIMITS } from '../src/limits/limit-counters.js'

/** `GET /-/limits`: the number of hits of each limit since the start, for the operator. */
const limits: FastifyPluginAsync = async (fastify) => {
  const { counters, connections } = fastify.limits

  fastify.route({
    ...OWN_ROUTE,
    method: 'GET',
    url: '/-/limits',
    onRequest: fastify.verifyOperator,
    handler: async () => await Promise.resolve({
      connections: connections.total,
      hits: Object.fromEntries(LIMITS.map((name) => [name, counters.get(name)]))
    })
  })
}

export default limits
