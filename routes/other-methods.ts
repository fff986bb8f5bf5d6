import type { FastifyPluginAsync, HTTPMethods } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { MethodNotAllowedError } from '../src/errors.js'

/**
 * Answers every other method at a path of this package with 405 and `Allow` (RFC 9110, section 15.5.6). Except `OPTIONS`: a host may
 * have preflight rules of its own.
 */
const otherMethods: FastifyPluginAsync = async (fastify) => {
  const ofChannels = fastify.routeMethods.get('/:channel') as Iterable<string>
  for (const [url, own] of [...fastify.routeMethods]) {
    // The paths of a wildcard are unknown, and the path of the prefix itself may be the host's.
    if (url.endsWith('*') || url === '/') continue
    // `/send` also matches the route of channels.
    const known = new Set([...own, ...(url === '/send' ? ofChannels : [])])
    const allow = [...known].sort().join(', ')
    const method = fastify.supportedMethods.filter((method) => method !== 'OPTIONS' && !known.has(method)) as HTTPMethods[]
    fastify.route({
      ...OWN_ROUTE,
      exposeHeadRoute: false,
      method,
      url,
      // Before the body is read.
      onRequest (request, reply, done) {
        if (fastify.webSockets.requested(request)) { done(); return }
        reply.header('allow', allow)
        done(new MethodNotAllowedError(request.method, allow))
      },
      /* c8 ignore next 2 -- refused before, and a WebSocket by its plugin */
      handler () {}
    })
  }
}

export default otherMethods
