import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Origins } from '../src/access/origins.js'
import { OriginForbiddenError } from '../src/errors.js'

/** Time for which a browser may cache the answer to a preflight request. */
const PREFLIGHT_SECONDS = 600

declare module 'fastify' {
  interface FastifyInstance {
    /** The rules for pages that use the routes of the scope. */
    origins: OriginRules
  }
}

/** Options of this plugin. */
export interface OriginsPluginOptions {
  /** Origins of pages that may subscribe besides the service's own. */
  allowedOrigins: readonly string[]
}

/** The checks that the routes need. */
export interface OriginRules {
  /** Throws MSG_ERR_ORIGIN_FORBIDDEN for a request of a page that may not subscribe. */
  verify (request: FastifyRequest): void
  /** Lets a page of another origin read the answer, where it may. */
  share (request: FastifyRequest, reply: FastifyReply): void
  /** Sets the headers that answer a preflight request. */
  preflight (request: FastifyRequest, reply: FastifyReply): void
}

/**
 * Decorates the scope with the rules for pages of other origins. Not @fastify/cors: it would take `OPTIONS *` of the host, and
 * its purpose, hiding answers, does not keep a page from opening a WebSocket (RFC 6455, section 10.2).
 */
export default fp<OriginsPluginOptions>(async (fastify, { allowedOrigins }) => {
  const origins = new Origins(allowedOrigins)

  const share = ({ headers }: FastifyRequest, reply: FastifyReply): void => {
    const { origin } = headers
    if (!origins.any) reply.header('vary', 'Origin')
    if (origins.any) reply.header('access-control-allow-origin', '*')
    else if (origin !== undefined && origins.lists(origin))
      reply.header('access-control-allow-origin', origin).header('access-control-allow-credentials', 'true')
  }

  fastify.decorate('origins', {
    verify ({ headers, host }) {
      if (origins.any) return
      const { origin, 'sec-fetch-site': site } = headers
      if (origin === undefined) {
        // Browsers omit the origin where the page cannot read the answer, and still send cookies.
        if (site === 'cross-site') throw new OriginForbiddenError('unknown')
      } else if (!origins.allow(origin, host)) {
        throw new OriginForbiddenError(JSON.stringify(origin))
      }
    },
    share (request, reply) {
      share(request, reply)
      reply.header('access-control-expose-headers', 'retry-after, www-authenticate')
    },
    preflight (request, reply) {
      share(request, reply)
      reply
        .header('access-control-allow-methods', 'GET')
        .header('access-control-allow-headers', 'authorization, last-event-id')
        .header('access-control-max-age', String(PREFLIGHT_SECONDS))
    }
  } satisfies OriginRules)
}, { name: 'messenger-origins', fastify: '5.x' })
