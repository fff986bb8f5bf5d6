import type { FastifyPluginAsync } from 'fastify'
import { LIMITS } from '../src/limits/limit-counters.js'
import { refusePath } from '../src/transports/refuse-websocket.js'

/** `GET /-/limits`: how often each limit was hit since the start, for the operator. */
const limits: FastifyPluginAsync = async (fastify) => {
  const { counters, admissions } = fastify.limits

  fastify.route({
    method: 'GET',
    url: '/-/limits',
    onRequest: fastify.verifyOperator,
    handler: async () => await Promise.resolve({ connections: admissions.total, hits: Object.fromEntries(LIMITS.map((name) => [name, counters.get(name)])) }),
    wsHandler: refusePath
  })
}

export default limits
