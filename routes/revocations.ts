import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { grantInvalid } from '../src/http/error-reply.js'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { MAX_NAME_LENGTH } from '../src/access/claims.js'
import { revocationText } from '../src/access/revocations.js'
import { GrantInvalidError } from '../src/errors.js'

const SECOND_MS = 1_000

const Name = Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH }))
const Body = Type.Object({
  sub: Name,
  jti: Name,
  /** Expiry of the last affected token, in seconds since 1970. */
  exp: Type.Optional(Type.Number({ minimum: 0 }))
}, { additionalProperties: false })

/** Options of this route. */
export interface RevocationsRouteOptions {
  /** Milliseconds that a token may live, and for which a revocation is kept. */
  tokenMaxTtlMs: number
}

/** `POST /-/revocations`: a backend ends a token, or all earlier tokens of a subject, on every instance. */
const revocations: FastifyPluginAsyncTypebox<RevocationsRouteOptions> = async (fastify, { tokenMaxTtlMs }) => {
  const options = { ...OWN_ROUTE, onRequest: fastify.verifyOperator, schema: { body: Body }, schemaErrorFormatter: grantInvalid }
  fastify.post('/-/revocations', options, async ({ body: { sub, jti, exp } }) => {
    const value = sub ?? jti
    if (value === undefined || (sub === undefined) === (jti === undefined)) throw new GrantInvalidError('give either sub or jti')
    const at = Date.now()
    const until = Math.min(at + tokenMaxTtlMs, exp === undefined ? Infinity : exp * SECOND_MS)
    fastify.access.revocations.assertRoom(at)
    await fastify.hub.announce(revocationText({ claim: sub === undefined ? 'jti' : 'sub', value, at, until }), until)
    return { status: 'Revoked', exp: Math.ceil(until / SECOND_MS) }
  })
}

export default revocations
