import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'

/** `OPTIONS /:channel`: the preflight request of a browser for a page of another origin that sends a token. */
const preflight: FastifyPluginAsync = async (fastify) => {
  const { origins } = fastify

  fastify.route({
    method: 'OPTIONS',
    url: '/:channel',
    ...OWN_ROUTE,
    // Before the body is read.
    onRequest (request, reply) {
      origins.preflight(request, reply)
      origins.verify(request)
      reply.code(204).send()
    },
    /* c8 ignore next 2 -- answered before */
    handler () {}
  })
}

export default preflight
