import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyError } from '@fastify/error'
import fp from 'fastify-plugin'
import type { Grant } from '../src/access/grant.js'
import { ASKED_EVERYWHERE } from '../src/channels/name.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import { ClosedError } from '../src/errors.js'
import { parseSubscriptionQuery, type RawQuery, type SubscriptionQuery } from '../src/http/subscription-query.js'
import { networkOf } from '../src/limits/address.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The steps of a subscription, the same for every transport. */
    subscriptions: Subscriptions
  }
}

/** The route of a subscription. */
export interface SubscriptionRoute {
  /** The wildcard matches names that are too long for the router before they are decoded. */
  Params: { channel?: string, '*'?: string }
  Querystring: RawQuery
}

export type SubscriptionRequest = FastifyRequest<SubscriptionRoute>

/** A subscription as requested by a client. */
export interface RequestedSubscription extends SubscriptionQuery {
  readonly channel: string
}

/** A counted connection or request. */
export interface Place {
  /** The address, or network, under which the place is counted. */
  readonly address: string
  /** The subscriber that ends with the connection. */
  subscriber: Subscriber | undefined
}

/** A connection that emits `close` once: a WebSocket or a response. */
interface Closable {
  on (event: 'close', listener: () => void): unknown
}

/** The steps of a subscription, in the order in which a transport takes them. */
export interface Subscriptions {
  /** Before the body is read: throws where the origin is forbidden, the address has too many requests or the app is closing. */
  screen (request: FastifyRequest, reply: FastifyReply): void
  /** Before the handshake of a WebSocket: throws where the instance or the address has no place. */
  assertPlace (request: SubscriptionRequest): void
  /** The name of the channel and the query. Throws where one of them is invalid. `Last-Event-ID` is for streams over HTTP. */
  read (request: SubscriptionRequest, lastEventId?: unknown): RequestedSubscription
  /** Counts a connection until it closes. Throws MSG_ERR_FULL or MSG_ERR_ADDRESS_FULL. */
  enter (connection: Closable, address: string): Place
  /** Monitors the writes of a subscriber, whose membership ends when the connection of its place closes. */
  attach (place: Place, subscriber: Subscriber): void
  /** The grant for the channel; throws, or rejects, as the authorizer does. */
  admit (request: FastifyRequest, subscription: RequestedSubscription): Grant | Promise<Grant>
  /** Makes a subscriber a member of its channel for as long as the grant holds. */
  join (subscriber: Subscriber, subscription: RequestedSubscription, grant: Grant, announce?: boolean): void
  /** Ends the membership of a subscriber whose connection is closed or whose answer is complete. */
  leave (subscriber: Subscriber): void
}

/** Decorates the scope with the steps of a subscription. */
export default fp(async (fastify) => {
  const { access, channelNames, hub, limits, origins } = fastify
  const { admissions, stalls } = limits

  const leave = (subscriber: Subscriber): void => {
    stalls.delete(subscriber)
    access.grantExpiry.delete(subscriber)
    hub.leave(subscriber)
  }

  const close = ({ address, subscriber }: Place): void => {
    admissions.leave(address)
    if (subscriber !== undefined) leave(subscriber)
  }

  fastify.decorate('subscriptions', {
    screen (request, reply) {
      origins.share(request, reply)
      origins.verify(request)
      limits.countSubscribe(request)
      if (hub.closing) throw new ClosedError()
    },
    assertPlace (request) {
      admissions.assertPlace(networkOf(request.ip))
      hub.assertRoom(nameOf(request))
    },
    read (request, lastEventId) {
      const channel = nameOf(request)
      try {
        channelNames.assert(channel)
      } catch (error) {
        // Over HTTP, the paths that are requested from every server are not found.
        if (ASKED_EVERYWHERE.has(channel)) (error as FastifyError).statusCode = 404
        throw error
      }
      return { channel, ...parseSubscriptionQuery(request.query, lastEventId) }
    },
    enter (connection, address) {
      admissions.enter(address)
      const place: Place = { address, subscriber: undefined }
      // The only closure per connection; it must not reference the request.
      connection.on('close', () => { close(place) })
      return place
    },
    attach (place, subscriber) {
      place.subscriber = subscriber
      stalls.add(subscriber, place.address)
    },
    admit: (request, { channel }) => access.admit(request, channel),
    join (subscriber, { channel, since = 'now' }, grant, announce = true) {
      void hub.join(channel, subscriber, since, announce)
      access.grantExpiry.add(subscriber, grant)
    },
    leave
  } satisfies Subscriptions)
}, {
  name: 'messenger-subscriptions',
  dependencies: ['messenger-access', 'messenger-hub', 'messenger-limits', 'messenger-origins'],
  fastify: '5.x'
})

function nameOf ({ params }: SubscriptionRequest): string {
  return params.channel ?? params['*'] ?? ''
}
