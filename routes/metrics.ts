import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { METRICS_TYPE } from '../src/metrics/text.js'

/** `GET /-/metrics`: the metrics of this messenger as text for Prometheus, for the operator and the scraper. */
const metrics: FastifyPluginAsync = async (fastify) => {
  fastify.route({
    ...OWN_ROUTE,
    method: 'GET',
    url: '/-/metrics',
    onRequest: fastify.metrics.verify,
    handler: async (_request, reply) => {
      return await reply.header('cache-control', 'no-store').type(METRICS_TYPE).send(fastify.metrics.text())
    }
  })
}

export default metrics
