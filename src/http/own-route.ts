import type { FastifyContextConfig } from 'fastify'

/**
 * Common settings of this package's routes: they have limits of their own, so that a host's global rate limit (@fastify/rate-limit)
 * does not apply, and answer HEAD where they answer GET, whatever the setting of the host.
 */
export const OWN_ROUTE = { config: { rateLimit: false } as object as FastifyContextConfig, exposeHeadRoute: true }
