import { randomUUID } from 'node:crypto'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { grantInvalid } from '../src/http/error-reply.js'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { MAX_NAME_LENGTH, MAX_PATTERNS } from '../src/access/claims.js'
import { CHANNEL_PATTERN } from '../src/access/patterns.js'
import { GrantInvalidError, MintingUnavailableError } from '../src/errors.js'

const SECOND_MS = 1_000
const DEFAULT_TTL_SECONDS = 3_600

const ChannelPatterns = Type.Optional(Type.Array(Type.String({ pattern: CHANNEL_PATTERN.source }), { maxItems: MAX_PATTERNS }))
const Name = Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH }))
const Body = Type.Object({
  subscribe: ChannelPatterns,
  send: ChannelPatterns,
  sub: Name,
  jti: Name,
  /** Seconds. */
  ttl: Type.Optional(Type.Integer({ minimum: 1 }))
}, { additionalProperties: false })

/** Options of this route. */
export interface TokensRouteOptions {
  /** Milliseconds that a token may live. */
  tokenMaxTtlMs: number
}

/** `POST /-/tokens`: a backend requests a token for a subscriber, or for a publisher of some channels. */
const tokens: FastifyPluginAsyncTypebox<TokensRouteOptions> = async (fastify, { tokenMaxTtlMs }) => {
  const { issuer } = fastify.access

  const options = { ...OWN_ROUTE, onRequest: fastify.verifyOperator, schema: { body: Body }, schemaErrorFormatter: grantInvalid }
  fastify.post('/-/tokens', options, async ({ body }, reply) => {
    if (issuer === undefined) throw new MintingUnavailableError()
    const { subscribe, send, sub, jti = randomUUID(), ttl = Math.min(DEFAULT_TTL_SECONDS, Math.floor(tokenMaxTtlMs / SECOND_MS)) } = body
    if (subscribe === undefined && send === undefined) throw new GrantInvalidError('give subscribe or send, a list of patterns of channels')
    if (ttl * SECOND_MS > tokenMaxTtlMs) throw new GrantInvalidError(`ttl must be at most ${tokenMaxTtlMs / SECOND_MS} s (TOKEN_MAX_TTL)`)
    const { token, exp } = issuer.issue({ subscribe, send, sub, jti, ttlMs: ttl * SECOND_MS })
    reply.header('cache-control', 'no-store')
    return await Promise.resolve({ token, jti, exp })
  })
}

export default tokens
