import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BearerTokens } from '../src/access/bearer-tokens.js'
import { type Credential, credentialOf } from '../src/access/credential.js'
import { Authorizer } from '../src/access/authorizer.js'
import type { Grant } from '../src/access/grant.js'
import { KeySet } from '../src/access/key-set.js'
import { Patterns } from '../src/access/patterns.js'
import type { Revocations } from '../src/access/revocations.js'
import { Session } from '../src/access/session.js'
import { GrantExpiry } from '../src/access/grant-expiry.js'
import { TokenIssuer } from '../src/access/token-issuer.js'
import { readPublicKeys, type VerificationKey } from '../src/access/token-keys.js'
import { TokenVerifier } from '../src/access/token-verifier.js'
import { TokenExpiredError, TokenRefusedError, TokenRevokedError } from '../src/errors.js'
import type { ResolvedOptions } from '../src/options/schema.js'
import type { Guesser } from './limits.js'

/** The errors for refused tokens. */
const REFUSALS = [TokenRefusedError, TokenExpiredError, TokenRevokedError]

declare module 'fastify' {
  interface FastifyInstance {
    /** Authentication and authorization. */
    access: Access
  }
}

/** Options of this plugin. */
export interface AccessPluginOptions extends ResolvedOptions {
  /** The known revocations. */
  revocations: Revocations
}

/** The checks that the routes need. */
export interface Access {
  /** The grant to subscribe; throws, or rejects, as {@link Authorizer.admit} does, and counts refused tokens. */
  admit (request: FastifyRequest, channel: string): Grant | Promise<Grant>
  /** The right of a connection with several channels. */
  session (request: FastifyRequest): Session<FastifyRequest>
  readonly bearerTokens: BearerTokens
  readonly authorizer: Authorizer<FastifyRequest>
  readonly revocations: Revocations
  readonly grantExpiry: GrantExpiry
  /** Signs tokens; present where there is a secret. */
  readonly issuer: TokenIssuer | undefined
}

/** Decorates the scope with authentication and authorization. */
export default fp<AccessPluginOptions>(async (fastify, options) => {
  const { token, publicChannels, authorize, authorizeTimeoutMs, revocations } = options
  const secrets = [options.tokenSecret ?? []].flat()
  const bearerTokens = new BearerTokens(token)
  const grantExpiry = new GrantExpiry({ revocations, refuse: (subscriber, error) => { fastify.hub.refuse(subscriber, error) } })
  revocations.onAdded = () => { grantExpiry.revoke() }
  fastify.addHook('onClose', async () => { grantExpiry.close() })

  const authorizer = new Authorizer<FastifyRequest>({
    bearerTokens,
    verifier: verifierOf(secrets, options),
    revocations,
    publicChannels: new Patterns(publicChannels),
    authorize,
    authorizeTimeoutMs,
    onError (request, error) {
      const expected = ((error as { statusCode?: number } | undefined)?.statusCode ?? 500) < 500
      request.log[expected ? 'debug' : 'error']({ err: error }, 'authorize() failed: access is denied')
    }
  })

  const presented = (request: FastifyRequest): Credential | undefined => {
    const credential = credentialOf(request.headers, request.query as { token?: unknown })
    // Tokens of an address with too many refused ones are not compared with those of publishers. Signatures cannot be guessed: a
    // valid one is accepted, so that clients are not locked out by others behind the same address.
    const inHeader = credential?.inHeader === true && !fastify.limits.distrusts(request)
    return credential && { ...credential, inHeader }
  }

  const admit = (request: FastifyRequest, channel: string): Grant | Promise<Grant> => {
    if (authorizer.isOpen) return authorizer.admit(request, undefined, channel)
    try {
      const grant = authorizer.admit(request, presented(request), channel)
      return grant instanceof Promise ? grant.catch((error: unknown) => { throw counted(error, request) }) : grant
    } catch (error) {
      throw counted(error, request)
    }
  }

  const counted = (error: unknown, request: Guesser): unknown => {
    if (!REFUSALS.some((refusal) => error instanceof refusal)) return error
    return fastify.limits.countRefusedToken(request) ?? error
  }

  fastify.decorate('access', {
    admit,
    session (request) {
      const { ip, headers: { origin, 'sec-fetch-site': site } } = request
      // Does not reference the request, which is large.
      return new Session(request, presented(request), {
        authorizer, count: (error) => counted(error, { ip, headers: { origin, 'sec-fetch-site': site } })
      })
    },
    bearerTokens,
    revocations,
    grantExpiry,
    issuer: secrets[0] === undefined
      ? undefined
      : new TokenIssuer({ secret: secrets[0], issuer: options.tokenIssuer[0], audience: options.tokenAudience[0] }, revocations),
    authorizer
  } satisfies Access)
}, { name: 'messenger-access', dependencies: ['messenger-hub', 'messenger-limits'], fastify: '5.x' })

function verifierOf (
  secrets: readonly string[], { tokenPublicKey, tokenJwksUrl, tokenIssuer, tokenAudience, tokenMaxTtlMs }: ResolvedOptions
): TokenVerifier | undefined {
  const keys: VerificationKey[] = secrets.map((key) => ({ algorithm: 'HS256', key }))
  if (tokenPublicKey !== undefined) keys.push(...readPublicKeys(tokenPublicKey))
  const keySet = tokenJwksUrl === undefined ? undefined : new KeySet(tokenJwksUrl)
  if (keys.length === 0 && keySet === undefined) return undefined
  return new TokenVerifier({ keys, keySet, issuers: tokenIssuer, audiences: tokenAudience, maxTtlMs: tokenMaxTtlMs })
}
