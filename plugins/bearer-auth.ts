import { hash, timingSafeEqual } from 'node:crypto'
import bearerAuth, { type verifyBearerAuth } from '@fastify/bearer-auth'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { TokenInvalidError, TokenMissingError } from '../src/errors.js'

const TOKEN = /^[!-~]+$/
const BEARER = /^Bearer ([!-~]+)$/

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
  const accepts = (given: string): boolean => {
    // Digests are equally long, and every one is compared: the time tells nothing about the tokens.
    const candidate = digest(given)
    let known = false
    for (const accepted of digests) known = timingSafeEqual(accepted, candidate) || known
    return known
  }

  await fastify.register(bearerAuth, {
    addHook: false,
    keys: [],
    verifyErrorLogLevel: 'debug',
    specCompliance: 'rfc6749',
    auth (key) {
      if (!TOKEN.test(key)) throw new TokenMissingError()
      if (!accepts(key)) throw new TokenInvalidError()
      return true
    }
  })
  const verifyBearerAuth = fastify.verifyBearerAuth as verifyBearerAuth

  fastify.decorate('verifyPublisher', (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    // @fastify/bearer-auth answers in a later step, when the body has arrived and had to be buffered, which makes a publish cost
    // a quarter more. It is asked about whatever is not plainly a token that is accepted.
    const [, given] = BEARER.exec(request.headers.authorization ?? '') ?? []
    if (given !== undefined && accepts(given)) done()
    else verifyBearerAuth(request, reply, done)
  })
}, { name: 'messenger-bearer-auth', fastify: '5.x' })

function digest (token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
