import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Action } from '../src/access/grant.js'
import { Origins } from '../src/access/origins.js'
import { OriginForbiddenError } from '../src/errors.js'

/** Time for which a browser may cache the answer to a preflight request. */
const PREFLIGHT_SECONDS = 600

const ALLOW_ORIGIN = 'access-control-allow-origin'

/** The method and headers of requests from pages of other origins, and the headers that those pages may read. */
const CORS = {
  subscribe: { method: 'GET', headers: 'authorization, last-event-id', exposed: 'retry-after, www-authenticate' },
  send: { method: 'POST', headers: 'authorization, content-type, idempotency-key, prefer', exposed: 'preference-applied, retry-after' }
} satisfies Record<Action, { method: string, headers: string, exposed: string }>

declare module 'fastify' {
  interface FastifyInstance {
    /** The rules for pages that use the routes of the scope. */
    origins: OriginRules
  }
}

/** Options of this plugin. */
export interface OriginsPluginOptions {
  /** Origins of pages that may subscribe and publish besides the service's own. */
  allowedOrigins: readonly string[]
}

/** The checks that the routes need. */
export interface OriginRules {
  /** Throws MSG_ERR_ORIGIN_FORBIDDEN for a request of a page that may neither subscribe nor publish. */
  verify (request: FastifyRequest): void
  /** The same, where `*` allows no page: only origins that are listed by name, and the service's own. */
  verifyByName (request: FastifyRequest): void
  /** Allows a page of another origin to read the answer, where that is permitted. */
  share (request: FastifyRequest, reply: FastifyReply, action: Action): void
  /** Sets the headers that answer a preflight request for a path with these actions. */
  preflight (request: FastifyRequest, reply: FastifyReply, actions: readonly Action[]): void
}

/**
 * Decorates the scope with the rules for pages of other origins. Not @fastify/cors: it would take `OPTIONS *` of the host, and
 * its purpose, hiding answers, does not keep a page from opening a WebSocket (RFC 6455, section 10.2).
 */
export default fp<OriginsPluginOptions>(async (fastify, { allowedOrigins }) => {
  const origins = new Origins(allowedOrigins)

  const verifyByName = ({ headers, host }: FastifyRequest): void => {
    const { origin, 'sec-fetch-site': site } = headers
    if (origin === undefined) {
      // Browsers omit the origin where the page cannot read the answer, and still send cookies.
      if (site === 'cross-site') throw new OriginForbiddenError('unknown')
    } else if (!origins.names(origin, host)) {
      throw new OriginForbiddenError(JSON.stringify(origin))
    }
  }

  const share = ({ headers }: FastifyRequest, reply: FastifyReply): void => {
    const { origin } = headers
    if (!origins.any) append(reply, 'vary', 'Origin')
    if (origins.any) {
      // A hook of the host may have allowed this very origin, with credentials, for which a browser does not accept `*`.
      if (origin === undefined || reply.getHeader(ALLOW_ORIGIN) !== origin) reply.header(ALLOW_ORIGIN, '*')
    } else if (origin !== undefined && origins.lists(origin)) {
      reply.header(ALLOW_ORIGIN, origin).header('access-control-allow-credentials', 'true')
    }
  }

  fastify.decorate('origins', {
    verify (request) {
      if (!origins.any) verifyByName(request)
    },
    verifyByName,
    share (request, reply, action) {
      share(request, reply)
      append(reply, 'access-control-expose-headers', CORS[action].exposed)
    },
    preflight (request, reply, actions) {
      share(request, reply)
      reply
        .header('access-control-allow-methods', actions.map((action) => CORS[action].method).join(', '))
        .header('access-control-allow-headers', [...new Set(actions.flatMap((action) => CORS[action].headers.split(', ')))].join(', '))
        .header('access-control-max-age', String(PREFLIGHT_SECONDS))
    }
  } satisfies OriginRules)
}, { name: 'messenger-origins', fastify: '5.x' })

/** Adds to a header that is a list, which a hook of the host may have set. */
function append (reply: FastifyReply, name: string, value: string): void {
  const present = reply.getHeader(name)
  if (present === undefined) reply.header(name, value)
  else if (!String(present).toLowerCase().split(/\s*,\s*/).includes(value.toLowerCase())) reply.header(name, `${String(present)}, ${value}`)
}
