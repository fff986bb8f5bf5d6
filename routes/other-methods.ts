import type { FastifyPluginAsync, HTTPMethods } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { MethodNotAllowedError } from '../src/errors.js'

/**
 * Every other method at a path of this package: 405 and which ones there are (RFC 9110, section 15.5.6). `OPTIONS` is what browsers
 * ask, about which a host may have rules of its own.
 */
const otherMethods: FastifyPluginAsync = async (fastify) => {
  const ofChannels = fastify.routeMethods.get('/:channel') as Iterable<string>
  for (const [url, own] of [...fastify.routeMethods]) {
    // What a wildcard takes is at no path that is known, and the path of the prefix itself may be the host's.
    if (url.endsWith('*') || url === '/') continue
    // `send` is a channel, too.
    const known = new Set([...own, ...(url === '/send' ? ofChannels : [])])
    const allow = [...known].sort().join(', ')
    const method = fastify.supportedMethods.filter((method) => method !== 'OPTIONS' && !known.has(method)) as HTTPMethods[]
    fastify.route({
      ...OWN_ROUTE,
      exposeHeadRoute: false,
      method,
      url,
      // Before a body is read that is for nobody.
      onRequest (request, reply, done) {
        if (fastify.webSockets.requested(request)) { done(); return }
        reply.header('allow', allow)
        done(new MethodNotAllowedError(request.method, allow))
      },
      /* c8 ignore next 2 -- refused before, and a WebSocket by the plugin that it is for */
      handler () {}
    })
  }
}

export default otherMethods
