import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../plugins/host-limits.js'

/** `OPTIONS /:channel`: a browser asks whether a page of another origin may send a token along. */
const preflight: FastifyPluginAsync = async (fastify) => {
  const { origins } = fastify

  fastify.options('/:channel', {
    ...OWN_ROUTE,
    onRequest (request, reply, done) {
      origins.preflight(request, reply)
      origins.verify(request)
      done()
    }
  }, async (_request, reply) => await reply.code(204).send())
}

export default preflight
