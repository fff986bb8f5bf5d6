import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import type { Authorize } from '../access/authorizer.js'
import { HOST_PATTERN } from '../access/hosts.js'
import { ORIGIN_PATTERN } from '../access/origins.js'
import { CHANNEL_PATTERN } from '../access/patterns.js'
import { DAY_MS, MINUTE_MS, Token } from './units.js'

/** HS256 is no stronger than its secret (RFC 7518, section 3.2). */
const MIN_SECRET_LENGTH = 32

const Secret = Type.String({ ...Token, minLength: MIN_SECRET_LENGTH })
const texts = (env: string) => Type.Array(Type.String({ minLength: 1, maxLength: 1_024 }), { env, list: true, rule: 'a list of texts' })

/** Options of authentication and authorization. */
export const accessOptions = {
  /**
   * Bearer token of publishers, or several that are valid at once (rotation). Without one, publishing over HTTP is refused; in process it
   * works. Default: none; in the service `default-secret`.
   */
  token: Type.Union([Token, Type.Array(Token)], {
    secret: true, env: 'BEARER_TOKEN', file: true, list: true,
    rule: 'a token, or a list of tokens, of 1 to 1024 printable ASCII characters without space and comma'
  }),
  /**
   * Secret of tokens (HS256), or several that are valid at once; the first one signs new tokens. With this,
   * `tokenPublicKey` or `tokenJwksUrl` every channel needs a token, except `publicChannels`. Default: none.
   */
  tokenSecret: Type.Optional(Type.Union([Secret, Type.Array(Secret, { minItems: 1 })], {
    secret: true, env: 'TOKEN_SECRET', file: true, list: true,
    rule: 'a secret, or a list of secrets, of 32 to 1024 printable ASCII characters without space and comma'
  })),
  /**
   * Public key of the issuer of tokens, as PEM, or several in one text: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA.
   * Default: none.
   */
  tokenPublicKey: Type.Optional(Type.String({ minLength: 1, env: 'TOKEN_PUBLIC_KEY', file: true, rule: 'public keys as PEM' })),
  /** Address of the key set (JWKS) of the issuer of tokens. Default: none. */
  tokenJwksUrl: Type.Optional(Type.String({
    pattern: '^(https://[^/]|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])', env: 'TOKEN_JWKS_URL',
    rule: 'an https:// address, or an http:// one on this machine'
  })),
  /** Accepted values of the claim `iss`, one of which a token must have. Default: none, the claim is ignored. */
  tokenIssuer: texts('TOKEN_ISSUER'),
  /** Accepted values of the claim `aud`, one of which a token must have. Default: none, the claim is ignored. */
  tokenAudience: texts('TOKEN_AUDIENCE'),
  /** Milliseconds that a token may still be valid when it is presented; revocations are remembered as long. Default 30 days. */
  tokenMaxTtlMs: Type.Integer({ minimum: 1_000, maximum: 3_660 * DAY_MS, default: 30 * DAY_MS, env: 'TOKEN_MAX_TTL', unit: 's' }),
  /** Channels that need no token, as patterns with `*`. Default: none. */
  publicChannels: Type.Array(Type.String({ pattern: CHANNEL_PATTERN.source }), {
    env: 'PUBLIC_CHANNELS', list: true, rule: 'a list of patterns of 1 to 100 characters of a channel\'s name or *'
  }),
  /**
   * Decides whether a request may `subscribe` to or `send` on a channel, so that a host uses its own sessions: `true`, `false`, or an
   * object with `expiresAt` and `subject`; may be async. An error denies access; a `statusCode` of 401 asks for other credentials.
   * It is called where no token decides. Pages of other origins are refused then unless `allowedOrigins` has them. Default: none.
   */
  authorize: Type.Optional(Type.Unsafe<Authorize<FastifyRequest>>(Type.Function([], Type.Any(), { rule: 'a function' }))),
  /** Milliseconds that `authorize` may take. Default 10,000. */
  authorizeTimeoutMs: Type.Integer({ minimum: 1, maximum: 10 * MINUTE_MS, default: 10_000 }),
  /**
   * Origins of pages that may subscribe and publish, besides the service's own: `https://example.com`, `https://*.example.com`, `*`
   * for all.
   * Default: all; none with `authorize`.
   */
  allowedOrigins: Type.Optional(Type.Array(Type.String({ pattern: ORIGIN_PATTERN }), {
    env: 'ALLOWED_ORIGINS', list: true, rule: 'a list of origins such as https://example.com, https://*.example.com or *'
  })),
  /**
   * Accepted values of the header `Host`, without a port: `example.com`, `*.example.com`, `*` for all. Default: all; in the service,
   * without `BEARER_TOKEN`, the names of this machine and the hosts of `allowedOrigins`.
   */
  allowedHosts: Type.Optional(Type.Array(Type.String({ pattern: HOST_PATTERN }), {
    env: 'ALLOWED_HOSTS', list: true, rule: 'a list of hosts such as example.com, *.example.com or *'
  }))
}
