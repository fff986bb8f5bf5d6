import type { FastifyContextConfig } from 'fastify'
import fp from 'fastify-plugin'

/** The longest time of a timer. */
const NEVER_MS = 2 ** 31 - 1

/**
 * What every route of this package has in common: it has limits of its own, so that a rate limit that a host has for all routes
 * (@fastify/rate-limit) does not apply, and it answers HEAD where it answers GET, whatever the host does.
 */
export const OWN_ROUTE = { config: { rateLimit: false } as object as FastifyContextConfig, exposeHeadRoute: true }

/** Keeps the time that a host gives its handlers from the scope's: a long poll is none that hangs. */
export default fp(async (fastify) => {
  const { handlerTimeout = 0 } = fastify.initialConfig as { handlerTimeout?: number }
  // Where the host has no such limit, one of ours would cost a timer a request.
  if (handlerTimeout > 0) fastify.addHook('onRoute', (route) => { route.handlerTimeout = NEVER_MS })
}, { name: 'messenger-host-limits', fastify: '5.x' })
