import { hash, timingSafeEqual } from 'node:crypto'
import bearerAuth, { type verifyBearerAuth } from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { TokenInvalidError, TokenMissingError } from '../src/errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook for routes that only publishers may call. */
    verifyPublisher: verifyBearerAuth
  }
}

/** Options of this plugin. */
export interface BearerAuthPluginOptions {
  /** The token or tokens of publishers. */
  token: string | string[]
}

/** Decorates the scope with the check of publishers' tokens. No route is guarded by this alone. */
export default fp<BearerAuthPluginOptions>(async (fastify, { token }) => {
  const digests = [token].flat().map(digest)
  await fastify.register(bearerAuth, {
    addHook: false,
    keys: [],
    verifyErrorLogLevel: 'debug',
    specCompliance: 'rfc6749',
    auth (key) {
      if (!/^[!-~]+$/.test(key)) throw new TokenMissingError()
      // Digests are equally long, and every one is compared: the time tells nothing about the tokens.
      const given = digest(key)
      let known = false
      for (const accepted of digests) known = timingSafeEqual(accepted, given) || known
      if (!known) throw new TokenInvalidError()
      return true
    }
  })
  fastify.decorate('verifyPublisher', fastify.verifyBearerAuth as verifyBearerAuth)
}, { name: 'messenger-bearer-auth', fastify: '5.x' })

function digest (token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
