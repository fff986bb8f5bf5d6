import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { DEFAULT_TOKEN } from '../src/access/bearer-tokens.js'
import { bearerOf } from '../src/access/credential.js'
import { covering, forbidden } from '../src/access/authorizer.js'
import { type Grant, unlimited } from '../src/access/grant.js'
import { AuthorizationUnavailableError, TokenInvalidError, TokenMissingError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'

const UNLIMITED = unlimited()
/** The property of a request that holds its sender; a symbol, so that it cannot conflict with one of the host. */
const SENDER = Symbol('sender')

/** A publisher: the name under which its messages are counted, and its rights. */
interface Sender {
  readonly name: string
  readonly grant: Grant
}

type Done = (error?: Error) => void
type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: Done) => void

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A hook for the routes of publishers. All checks that do not need the body run before it: whether the sender may send on the
     * channel, or on any, whether it is a page of an origin that may publish, and whether it has sent too much. A page of another
     * origin can read the answer, where it may.
     */
    verifyPublisher: OnRequest
    /** The same for holders of a token of `BEARER_TOKEN` alone. */
    verifyOperator: OnRequest
    /**
     * To be called when the body has arrived, before it is processed. Throws MSG_ERR_TOKEN_INVALID where the grant of the sender has
     * ended meanwhile, and MSG_ERR_RATE_LIMITED when it has sent too many messages meanwhile.
     */
    assertStillSender: (request: FastifyRequest) => void
    /**
     * Counts messages that the sender of a request is about to publish. Throws MSG_ERR_TOKEN_INVALID where its grant has ended,
     * MSG_ERR_CHANNEL_FORBIDDEN for a channel that the grant does not cover, and MSG_ERR_RATE_LIMITED when it has sent too many.
     */
    assertMaySend: (request: FastifyRequest, channels: readonly string[]) => void
  }
  interface FastifyRequest {
    /** Set by `verifyPublisher`. */
    [SENDER]: Sender | null
  }
}

/**
 * Decorates the scope with the checks of senders, which guard no route by themselves. Not @fastify/bearer-auth: it answers in a later
 * step, when the body has been buffered, which makes a publish cost a quarter more.
 */
export default fp(async (fastify) => {
  const { access: { bearerTokens, authorizer }, limits, origins } = fastify
  const senders = Array.from({ length: bearerTokens.size }, (_, index) => ({ name: `token ${index}`, grant: UNLIMITED }))
  const knownToEveryone = senders[bearerTokens.indexOf(DEFAULT_TOKEN)]

  fastify.decorateRequest(SENDER, null)

  const refusal = (request: FastifyRequest): Error => limits.countRefusedToken(request) ?? new TokenInvalidError()

  const verified = async (token: string, request: FastifyRequest): Promise<Sender> => {
    if (!authorizer.verifies) throw refusal(request)
    try {
      const grant = await authorizer.verify(token)
      return { name: nameOf(grant, token), grant }
    } catch (error) {
      throw error instanceof AuthorizationUnavailableError ? error : refusal(request)
    }
  }

  const authorized = async (request: FastifyRequest, channel: string): Promise<Sender> => {
    origins.verify(request)
    const address = networkOf(request.ip)
    // A call of `authorize` is as expensive as one for a subscription, and takes a place for its duration.
    limits.connections.enter(address)
    try {
      const grant = await authorizer.authorize(request, channel, 'send')
      return { name: grant.subject === undefined ? `address ${address}` : `sub ${grant.subject}`, grant }
    } finally {
      limits.connections.leave(address)
    }
  }

  const settle = (request: FastifyRequest, found: Promise<Sender>, done: Done): void => {
    found.then((sender) => {
      request[SENDER] = sender
      done()
    }).catch(done)
  }

  const verifySender = (request: FastifyRequest, done: Done): void => {
    const token = bearerOf(request.headers)
    if (token === undefined) { done(new TokenMissingError()); return }
    // Signatures cannot be guessed: a valid one is accepted, so that pages are not locked out by others behind the same address.
    const sender = limits.distrusts(request) ? undefined : senders[bearerTokens.indexOf(token)]
    if (sender === undefined) { settle(request, verified(token, request), done); return }
    request[SENDER] = sender
    done()
  }

  /** Throws MSG_ERR_ORIGIN_FORBIDDEN for a page that may not publish with its token. */
  const assertOrigin = (request: FastifyRequest, sender: Sender): void => {
    // The answer to a preflight request cannot depend on the token, and every page knows this one.
    if (sender === knownToEveryone) origins.verifyByName(request)
    // A token of `BEARER_TOKEN` is a secret that no page has: its holder is a program, also where it sends an origin.
    else if (!senders.includes(sender)) origins.verify(request)
  }

  /** Throws the errors that do not depend on the body. */
  const assertMayBegin = (request: FastifyRequest): void => {
    const sender = request[SENDER] as Sender
    const { name, grant } = sender
    // Not before the token is checked: an origin can be made up, and would hide guesses from the limit of refused tokens.
    if (request.headers.origin !== undefined) assertOrigin(request, sender)
    const { channel } = request.params as { channel?: string }
    if (channel !== undefined) {
      fastify.channelNames.assert(channel)
      covering(grant, 'send', channel)
    } else if (!grant.allows('send')) {
      throw forbidden('send', 'of any name')
    }
    limits.assertMayPublish(name)
  }

  const assertHolds = (grant: Grant): void => {
    if (attempt(() => { authorizer.assertHolds(grant) })) throw new TokenInvalidError()
  }

  fastify.decorate('assertStillSender', ({ [SENDER]: sender }: FastifyRequest) => {
    const { name, grant } = sender as Sender
    assertHolds(grant)
    limits.assertMayPublish(name)
  })
  fastify.decorate('assertMaySend', ({ [SENDER]: sender }: FastifyRequest, channels: readonly string[]) => {
    const { name, grant } = sender as Sender
    assertHolds(grant)
    for (const channel of channels) covering(grant, 'send', channel)
    limits.countPublishes(name, channels.length)
  })
  fastify.decorate('verifyPublisher', (request: FastifyRequest, reply: FastifyReply, done: Done) => {
    // Other publishers than pages have no origin, and their answers need none of these headers.
    if (request.headers.origin !== undefined) origins.share(request, reply, 'send')
    const { channel } = request.params as { channel?: string }
    const begin = (error?: Error): void => { done(error ?? attempt(() => { assertMayBegin(request) })) }
    // Only for a single channel: a batch would have to be read before the call of `authorize`.
    if (authorizer.asksHost && request.headers.authorization === undefined && channel !== undefined)
      settle(request, authorized(request, channel), begin)
    else verifySender(request, begin)
  })
  fastify.decorate('verifyOperator', (request: FastifyRequest, _reply: FastifyReply, done: Done) => {
    verifySender(request, (error) => { done(error ?? (senders.includes(request[SENDER] as Sender) ? undefined : new TokenInvalidError())) })
  })
}, {
  name: 'messenger-bearer-auth',
  dependencies: ['messenger-access', 'messenger-hub', 'messenger-limits', 'messenger-origins'],
  fastify: '5.x'
})

/** The name under which messages are counted: the subject of a token or, where it has none, a digest of the signed part. */
function nameOf ({ subject }: Grant, token: string): string {
  if (subject !== undefined && subject !== '') return `sub ${subject}`
  return `token ${hash('sha256', token.slice(0, token.lastIndexOf('.')), 'base64url')}`
}

function attempt (check: () => void): Error | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return error as Error
  }
}
