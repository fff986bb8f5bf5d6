import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'

/** `OPTIONS /:channel`: a browser asks whether a page of another origin may send a token along. */
const preflight: FastifyPluginAsync = async (fastify) => {
  const { origins } = fastify

  fastify.route({
    method: 'OPTIONS',
    url: '/:channel',
    ...OWN_ROUTE,
    // Before a body is read that is for nobody.
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
