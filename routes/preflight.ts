import type { FastifyPluginAsync } from 'fastify'
import type { Action } from '../src/access/grant.js'
import { OWN_ROUTE } from '../src/http/own-route.js'

/** The actions at each path; `/send` is also the path of a channel. */
const ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  '/:channel': ['subscribe'],
  '/send': ['send', 'subscribe'],
  '/send/:channel': ['send'],
  '/send/*': ['send']
}

/**
 * `OPTIONS` of the paths of channels: the preflight request of a browser for a page of another origin that sends a token or publishes.
 */
const preflight: FastifyPluginAsync = async (fastify) => {
  const { origins } = fastify

  for (const [url, actions] of Object.entries(ACTIONS)) {
    // A host may answer for its pages already.
    if (fastify.hasRoute({ method: 'OPTIONS', url: fastify.prefix + url })) continue
    fastify.route({
      method: 'OPTIONS',
      url,
      ...OWN_ROUTE,
      // Before the body is read.
      onRequest (request, reply) {
        origins.preflight(request, reply, actions)
        origins.verify(request)
        reply.code(204).send()
      },
      /* c8 ignore next 2 -- answered before */
      handler () {}
    })
  }
}

export default preflight
