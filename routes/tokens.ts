import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { grantInvalid } from '../src/http/error-reply.js'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { MAX_NAME_LENGTH, MAX_PATTERNS } from '../src/access/claims.js'
import { CHANNEL_PATTERN } from '../src/access/patterns.js'
import { tokenRequest } from '../src/access/token-request.js'
import { MintingUnavailableError } from '../src/errors.js'

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
    const request = tokenRequest(body, tokenMaxTtlMs)
    const { token, exp } = issuer.issue(request)
    reply.header('cache-control', 'no-store')
    return await Promise.resolve({ token, jti: request.jti, exp })
  })
}

export default tokens
