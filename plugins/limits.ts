import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { RateLimitedError, UrlTooLongError } from '../src/errors.js'
import { maxBodyBytes } from '../src/http/body-reader.js'
import { networkOf } from '../src/limits/address.js'
import { ByteBudget } from '../src/limits/byte-budget.js'
import { ConnectionLimits, SUBSCRIPTIONS } from '../src/limits/connection-limits.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'
import { RateLimit } from '../src/limits/rate-limit.js'
import { Stalls } from '../src/limits/stalls.js'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

declare module 'fastify' {
  interface FastifyInstance {
    /** The limits for clients of this messenger, and their use. */
    limits: Limits
  }
}

/** Options of this plugin. */
export interface LimitsPluginOptions {
  maxConnections: number
  maxConnectionsPerAddress: number
  maxSubscriptions: number
  maxSubscriptionsPerAddress: number
  maxSubscribesPerSecond: number
  maxPublishesPerSecond: number
  maxRefusedTokensPerMinute: number
  maxUrlBytes: number
  maxMessageBytes: number
  maxBytesInFlight: number
  writeTimeoutMs: number
  counters: LimitCounters
}

/** The part of a request by which refused tokens are counted. */
export type Guesser = Pick<FastifyRequest, 'ip' | 'headers'>

/** The limits of one messenger. */
export interface Limits {
  /** The number of hits of each limit. */
  readonly counters: LimitCounters
  /** Places for connections. */
  readonly connections: ConnectionLimits
  /** Places for the channels of connections with several. */
  readonly subscriptions: ConnectionLimits
  /** Memory for incomplete bodies and unsent bytes. */
  readonly budget: ByteBudget
  /** Responses and subscriptions, monitored for progress. */
  readonly stalls: Stalls
  /** Throws MSG_ERR_URL_TOO_LONG or, for an address with too many requests, MSG_ERR_RATE_LIMITED. */
  countSubscribe (request: FastifyRequest): void
  /** Counts further attempts of an address to subscribe. Throws MSG_ERR_RATE_LIMITED. */
  countSubscribes (request: Pick<FastifyRequest, 'ip'>, attempts: number): void
  /** Throws MSG_ERR_RATE_LIMITED when a publisher has sent too many messages. Counts none. */
  assertMayPublish (publisher: string): void
  /** Counts messages. Throws MSG_ERR_RATE_LIMITED when a publisher has sent too many. */
  countPublishes (publisher: string, messages: number): void
  /** Whether too many tokens from an address were refused, so that further ones are not checked. */
  distrusts (request: FastifyRequest): boolean
  /** Counts a refused token; returns MSG_ERR_RATE_LIMITED beyond the limit. */
  countRefusedToken (guesser: Guesser): RateLimitedError | undefined
}

/** Decorates the scope with its limits. */
export default fp<LimitsPluginOptions>(async (fastify, options) => {
  const { counters, maxUrlBytes } = options
  const subscribes = new RateLimit(options.maxSubscribesPerSecond, SECOND_MS)
  const publishes = new RateLimit(options.maxPublishesPerSecond, SECOND_MS)
  const refusedTokens = new RateLimit(options.maxRefusedTokensPerMinute, MINUTE_MS)
  const connections = new ConnectionLimits({ max: options.maxConnections, maxPerAddress: options.maxConnectionsPerAddress }, counters)
  const subscriptions = new ConnectionLimits(
    { max: options.maxSubscriptions, maxPerAddress: options.maxSubscriptionsPerAddress }, counters, SUBSCRIPTIONS
  )
  // Room for two bodies, or answers, of the largest size.
  const budget = new ByteBudget(Math.max(options.maxBytesInFlight, 2 * maxBodyBytes(options.maxMessageBytes)), counters)
  const stalls = new Stalls({ writeTimeoutMs: options.writeTimeoutMs, budget, counters })
  fastify.addHook('onClose', async () => { stalls.close() })
  let warned = false

  const assertSubscribes = (wait: number): void => {
    if (wait === 0) return
    counters.hit('maxSubscribesPerSecond')
    throw new RateLimitedError('this address subscribes too often (MAX_SUBSCRIBES_PER_SECOND)', wait)
  }

  const assertPublishes = (wait: number): void => {
    if (wait === 0) return
    counters.hit('maxPublishesPerSecond')
    throw new RateLimitedError('this publisher sends too much (MAX_PUBLISHES_PER_SECOND)', wait)
  }

  fastify.decorate('limits', {
    counters,
    connections,
    subscriptions,
    budget,
    stalls,
    countSubscribe ({ ip, ips, url, headers }) {
      if (!warned && ips === undefined && headers['x-forwarded-for'] !== undefined) {
        warned = true
        fastify.log.warn('requests come through a proxy that is not trusted: limits on an address are limits on the proxy, set TRUST_PROXY')
      }
      if (url.length > maxUrlBytes) {
        counters.hit('maxUrlBytes')
        throw new UrlTooLongError(maxUrlBytes)
      }
      assertSubscribes(subscribes.take(networkOf(ip)))
    },
    countSubscribes ({ ip }, attempts) {
      if (attempts > 0) assertSubscribes(subscribes.take(networkOf(ip), attempts))
    },
    assertMayPublish (publisher) { assertPublishes(publishes.wait(publisher)) },
    countPublishes (publisher, messages) { assertPublishes(publishes.take(publisher, messages)) },
    distrusts (request) {
      return refusedTokens.size > 0 && refusedTokens.wait(guesserOf(request)) > 0
    },
    countRefusedToken (guesser) {
      const wait = refusedTokens.take(guesserOf(guesser))
      if (wait === 0) return undefined
      counters.hit('maxRefusedTokensPerMinute')
      return new RateLimitedError('too many tokens from this address were refused (MAX_REFUSED_TOKENS_PER_MINUTE)', wait)
    }
  } satisfies Limits)
}, { name: 'messenger-limits', fastify: '5.x' })

/**
 * The key under which refused tokens are counted. Pages count apart from programs: any page that is open in a browser can send tokens,
 * and would lock out the publishers that have the same address. A program that claims to be a page has twice the guesses, no more.
 */
function guesserOf ({ ip, headers }: Guesser): string {
  const network = networkOf(ip)
  return headers.origin === undefined && headers['sec-fetch-site'] === undefined ? network : `page ${network}`
}
