import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import type { Authorize } from '../access/gate.js'
import { HOST_PATTERN } from '../access/hosts.js'
import { ORIGIN_PATTERN } from '../access/origins.js'
import { CHANNEL_PATTERN } from '../access/patterns.js'
import { DAY_MS, MINUTE_MS, Token } from './units.js'

/** HS256 is no stronger than its secret (RFC 7518, section 3.2). */
const MIN_SECRET_LENGTH = 32

const Secret = Type.String({ ...Token, minLength: MIN_SECRET_LENGTH })
const Texts = Type.Array(Type.String({ minLength: 1, maxLength: 1_024 }), { rule: 'a list of texts' })

/** Options that say who may subscribe and send. */
export const accessOptions = {
  /** Bearer token of publishers, or several that are valid at once (rotation). Without one, publishing over HTTP is refused; in process it works. */
  token: Type.Union([Token, Type.Array(Token)], { secret: true, rule: 'a token, or a list of tokens, of 1 to 1024 printable ASCII characters without space and comma' }),
  /**
   * Secret of subscribers' tokens (HS256), or several that are valid at once; the first one makes tokens. With this,
   * `tokenPublicKey` or `tokenJwksUrl` every channel needs a token, except `publicChannels`. Default: none.
   */
  tokenSecret: Type.Optional(Type.Union([Secret, Type.Array(Secret, { minItems: 1 })], { secret: true, rule: 'a secret, or a list of secrets, of 32 to 1024 printable ASCII characters without space and comma' })),
  /** Public key of whoever makes tokens, as PEM, or several in one text: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. Default: none. */
  tokenPublicKey: Type.Optional(Type.String({ minLength: 1, rule: 'public keys as PEM' })),
  /** Address of the key set (JWKS) of whoever makes tokens. Default: none. */
  tokenJwksUrl: Type.Optional(Type.String({ pattern: '^(https://[^/]|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/])', rule: 'an https:// address, or an http:// one on this machine' })),
  /** Accepted values of the claim `iss`, of which a token then needs one. Default: not looked at. */
  tokenIssuer: Texts,
  /** Accepted values of the claim `aud`, of which a token then needs one. Default: not looked at. */
  tokenAudience: Texts,
  /** Milliseconds that a token may still live when it comes; revocations are remembered as long. Default 30 days. */
  tokenMaxTtlMs: Type.Integer({ minimum: 1_000, maximum: 3_660 * DAY_MS, default: 30 * DAY_MS }),
  /** Channels that need no token, as patterns with `*`. Default: none. */
  publicChannels: Type.Array(Type.String({ pattern: CHANNEL_PATTERN.source }), { rule: 'a list of patterns of 1 to 100 characters of a channel\'s name or *' }),
  /**
   * Says whether a request may `subscribe` to or `send` on a channel, so that a host uses its own sessions: `true`, `false`, or an
   * object with `expiresAt` and `subject`; may be async. What it throws means no; a `statusCode` of 401 asks for other credentials.
   * It is asked where no token decides. Pages of other origins are refused then unless `allowedOrigins` has them. Default: none.
   */
  authorize: Type.Optional(Type.Unsafe<Authorize<FastifyRequest>>(Type.Function([], Type.Any(), { rule: 'a function' }))),
  /** Milliseconds that `authorize` may take. Default 10,000. */
  authorizeTimeoutMs: Type.Integer({ minimum: 1, maximum: 10 * MINUTE_MS, default: 10_000 }),
  /**
   * Origins of pages that may subscribe, beside the service's own: `https://example.com`, `https://*.example.com`, `*` for all.
   * Default: all; with `authorize` none.
   */
  allowedOrigins: Type.Optional(Type.Array(Type.String({ pattern: ORIGIN_PATTERN }), { rule: 'a list of origins such as https://example.com, https://*.example.com or *' })),
  /**
   * Hosts that requests may be for, as the header `Host` names them, without a port: `example.com`, `*.example.com`, `*` for all. Default:
   * all; in the service, with the token that everybody knows, the names of this machine and the hosts of `allowedOrigins`.
   */
  allowedHosts: Type.Optional(Type.Array(Type.String({ pattern: HOST_PATTERN }), { rule: 'a list of hosts such as example.com, *.example.com or *' }))
}
