import type { FastifyContextConfig } from 'fastify'

/**
 * Settings that every route of this package has in common: it has limits of its own, so that a rate limit that a host has for all
 * routes (@fastify/rate-limit) does not apply, and it answers HEAD where it answers GET, whatever the setting of the host.
 */
export const OWN_ROUTE = { config: { rateLimit: false } as object as FastifyContextConfig, exposeHeadRoute: true }
