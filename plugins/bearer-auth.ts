import { hash } from 'node:crypto'
import bearerAuth, { type verifyBearerAuth } from '@fastify/bearer-auth'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { covering, forbidden } from '../src/access/gate.js'
import { type Grant, unlimited } from '../src/access/grant.js'
import { AuthorizationUnavailableError, TokenInvalidError, TokenMissingError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'

const TOKEN = /^[!-~]+$/
const BEARER = /^Bearer ([!-~]+)$/
const UNLIMITED = unlimited()
/** Where a request has its sender: under no name that a host could have given to something else. */
const SENDER = Symbol('sender')

/** Who publishes: a name to count messages under, and what it may do. */
export interface Sender {
  readonly name: string
  readonly grant: Grant
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A hook for routes that only publishers may call. What can be known before the body is looked at before it: whether the sender may
     * send on the channel, or on any, and whether it has sent too much.
     */
    verifyPublisher: verifyBearerAuth
    /** The same for holders of a token of `BEARER_TOKEN` alone. */
    verifyOperator: verifyBearerAuth
  }
  interface FastifyInstance {
    /**
     * To be called when the body is there, before anything is done with it. Throws MSG_ERR_TOKEN_INVALID where the leave of the sender
     * of a request has ended since, and MSG_ERR_RATE_LIMITED when it has sent too many messages since.
     */
    assertStillSender: (request: FastifyRequest) => void
    /**
     * Counts messages that the sender of a request is about to publish. Throws MSG_ERR_TOKEN_INVALID where its leave has ended,
     * MSG_ERR_CHANNEL_FORBIDDEN for a channel that is not its, and MSG_ERR_RATE_LIMITED when it has sent too many.
     */
    assertMaySend: (request: FastifyRequest, channels: readonly string[]) => void
  }
  interface FastifyRequest {
    /** Set by `verifyPublisher`. */
    [SENDER]: Sender | null
  }
}

/** Decorates the scope with the checks of who calls. No route is guarded by this alone. */
export default fp(async (fastify) => {
  const { access: { bearerTokens, gate }, limits } = fastify
  const senders = Array.from({ length: bearerTokens.size }, (_, index) => ({ name: `token ${index}`, grant: UNLIMITED }))

  fastify.decorateRequest(SENDER, null)
  await fastify.register(bearerAuth, {
    addHook: false,
    keys: [],
    verifyErrorLogLevel: 'debug',
    specCompliance: 'rfc6749',
    async auth (key, request) {
      if (!TOKEN.test(key)) throw new TokenMissingError()
      if (limits.distrusts(request)) throw refusal(request)
      request[SENDER] = senders[bearerTokens.indexOf(key)] ?? await verified(key, request)
      return true
    }
  })
  const verifyBearerAuth = fastify.verifyBearerAuth as verifyBearerAuth

  const verified = async (token: string, request: FastifyRequest): Promise<Sender> => {
    if (!gate.verifies) throw refusal(request)
    try {
      const grant = await gate.verify(token)
      return { name: nameOf(grant, token), grant }
    } catch (error) {
      throw error instanceof AuthorizationUnavailableError ? error : refusal(request)
    }
  }

  const refusal = (request: FastifyRequest): Error => limits.countRefusedToken(request) ?? new TokenInvalidError()

  const authorized = async (request: FastifyRequest, channel: string): Promise<void> => {
    fastify.origins.verify(request)
    const address = networkOf(request.ip)
    // What the host is asked costs as much as a subscription, and takes a place for as long.
    limits.admissions.enter(address)
    try {
      const grant = await gate.authorize(request, channel, 'send')
      request[SENDER] = { name: grant.subject === undefined ? `address ${address}` : `sub ${grant.subject}`, grant }
    } finally {
      limits.admissions.leave(address)
    }
  }

  const verifySender: verifyBearerAuth = (request, reply, done) => {
    // @fastify/bearer-auth answers in a later step, when the body has arrived and had to be buffered, which makes a publish cost
    // a quarter more. It is asked about whatever is not plainly a token that is accepted.
    const [, given] = BEARER.exec(request.headers.authorization ?? '') ?? []
    const sender = given === undefined || limits.distrusts(request) ? undefined : senders[bearerTokens.indexOf(given)]
    if (sender === undefined) { verifyBearerAuth(request, reply, done); return }
    request[SENDER] = sender
    done()
  }

  /** Throws what is known to be wrong before the body is there. */
  const assertMayBegin = (request: FastifyRequest): void => {
    const { name, grant } = request[SENDER] as Sender
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
    if (attempt(() => { gate.assertHolds(grant) })) throw new TokenInvalidError()
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
  fastify.decorate('verifyPublisher', (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    const { channel } = request.params as { channel?: string }
    // Only where one channel is named: a batch would have to be read before anybody could be asked.
    const byHost = gate.asksHost && request.headers.authorization === undefined && channel !== undefined
    const begin = (error?: Error): void => { done(error ?? attempt(() => { assertMayBegin(request) })) }
    if (byHost) authorized(request, channel).then(() => { begin() }, begin)
    else verifySender(request, reply, begin)
  })
  fastify.decorate('verifyOperator', (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    verifySender(request, reply, (error) => { done(error ?? (senders.includes(request[SENDER] as Sender) ? undefined : new TokenInvalidError())) })
  })
}, { name: 'messenger-bearer-auth', dependencies: ['messenger-access', 'messenger-limits', 'messenger-origins'], fastify: '5.x' })

/** What messages are counted under: the subject of a token or, where it names none, the token by what is signed of it. */
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
