import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyError } from '@fastify/error'
import fp from 'fastify-plugin'
import type { Grant } from '../src/access/grant.js'
import { ASKED_EVERYWHERE } from '../src/channels/name.js'
import type { Connection } from '../src/channels/connection.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import { ClosedError, QueryInvalidError } from '../src/errors.js'
import { parseSubscriptionQuery, type RawQuery, type RequestedChannel, type SubscriptionQuery } from '../src/http/subscription-query.js'
import { keepOpen } from '../src/http/keep-open.js'
import { networkOf } from '../src/limits/address.js'
import { HttpStreamSubscriber, type StreamFormatName } from '../src/transports/http-stream.js'
import { channelOf } from '../src/wire/companion.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The steps of a subscription, the same for every transport. */
    subscriptions: Subscriptions
  }
}

/** Options of this plugin. */
export interface SubscriptionsPluginOptions {
  /** Milliseconds between two heartbeats. */
  pingIntervalMs: number
}

/** The route of a subscription. */
export interface SubscriptionRoute {
  /** The wildcard matches names that are too long for the router before they are decoded. */
  Params: { channel?: string, '*'?: string }
  Querystring: RawQuery
}

export type SubscriptionRequest = FastifyRequest<SubscriptionRoute>

/** The request of a client: one channel, or several on one connection. */
export interface Requested extends Omit<SubscriptionQuery, 'since'> {
  readonly channels: readonly [RequestedChannel, ...RequestedChannel[]]
}

/** A request for one channel. */
export interface RequestedSubscription extends RequestedChannel, Omit<SubscriptionQuery, 'since'> {}

/** A counted connection or request. */
export interface Place {
  /** The address, or network, under which the place is counted. */
  readonly address: string
  /** The subscriber that ends with the connection. */
  subscriber: Subscriber | undefined
  /** The connection that the subscriber carries, where several channels share it. */
  connection?: Connection | undefined
}

/** A connection that emits `close` once: a WebSocket or a response. */
interface Closable {
  on (event: 'close', listener: (code?: unknown) => void): unknown
}

/** The steps of a subscription, in the order in which a transport takes them. */
export interface Subscriptions {
  /** Before the body is read: throws where the origin is forbidden, the address has too many requests or the app is closing. */
  screen (request: FastifyRequest, reply: FastifyReply): void
  /** Before the handshake of a WebSocket: throws where the instance or the address has no place. */
  assertPlace (request: SubscriptionRequest): void
  /**
   * The names of the channels and the query. Throws where the query, or the name of a single channel, is invalid; where one channel is
   * the maximum, a list is an invalid name. `Last-Event-ID` is for streams over HTTP. Each name counts as an attempt to subscribe.
   */
  read (request: SubscriptionRequest, maxChannels: number, lastEventId?: unknown): Requested
  /** Counts a connection until it closes. Throws MSG_ERR_FULL or MSG_ERR_ADDRESS_FULL. */
  enter (connection: Closable, address: string): Place
  /** Monitors the writes of a subscriber, whose membership ends when the connection of its place closes. */
  attach (place: Place, subscriber: Subscriber): void
  /** The grant for the channel; throws, or rejects, as the authorizer does. */
  admit (request: FastifyRequest, subscription: RequestedChannel): Grant | Promise<Grant>
  /** Sends the head of a stream, from which on the subscriber of its place is attached. Headers that are set are part of it. */
  beginStream (place: Place, reply: FastifyReply, format: StreamFormatName, channel: string, heartbeat: boolean): HttpStreamSubscriber
  /** Makes a subscriber a member of its channel for as long as the grant holds. */
  join (subscriber: Subscriber, subscription: RequestedChannel, grant: Grant, address: string, announce?: boolean): void
  /** Holds a subscriber to a grant: the end of the grant ends the membership. Takes the place of an earlier grant. */
  hold (subscriber: Subscriber, grant: Grant): void
  /** Ends the membership of a subscriber whose connection is closed or whose answer is complete. */
  leave (subscriber: Subscriber): void
}

/** Decorates the scope with the steps of a subscription. */
export default fp<SubscriptionsPluginOptions>(async (fastify, { pingIntervalMs }) => {
  const { access, channelNames, hub, journal, limits, origins, presence } = fastify
  const { connections, stalls } = limits

  const assertName = (name: string): void => {
    try {
      channelNames.assertSubscribable(name)
    } catch (error) {
      // Over HTTP, the paths that are requested from every server are not found.
      if (ASKED_EVERYWHERE.has(name)) (error as FastifyError).statusCode = 404
      throw error
    }
  }

  const attach = (place: Place, subscriber: Subscriber): void => {
    place.subscriber = subscriber
    journal.opened(subscriber)
    stalls.add(subscriber, place.address)
  }

  const hold = (subscriber: Subscriber, grant: Grant): void => {
    access.grantExpiry.add(subscriber, grant)
    presence.identify(subscriber, grant.subject)
  }

  const leave = (subscriber: Subscriber): void => {
    stalls.delete(subscriber)
    access.grantExpiry.delete(subscriber)
    hub.leave(subscriber)
  }

  const close = ({ address, subscriber, connection }: Place, code: unknown): void => {
    connections.leave(address)
    if (subscriber !== undefined) journal.closed(subscriber, address, code)
    if (connection !== undefined) {
      connection.clear()
      hub.closed(connection)
    }
    if (subscriber !== undefined) leave(subscriber)
  }

  fastify.decorate('subscriptions', {
    screen (request, reply) {
      origins.share(request, reply, 'subscribe')
      origins.verify(request)
      limits.countSubscribe(request)
      if (hub.closing) throw new ClosedError()
    },
    assertPlace (request) {
      connections.assertPlace(networkOf(request.ip))
      if (!nameOf(request).includes(',')) hub.assertRoom(nameOf(request))
    },
    read (request, maxChannels, lastEventId) {
      const names = maxChannels > 1 ? namesOf(request) : [nameOf(request)]
      if (names.length > 1) assertNames(names, maxChannels)
      else assertName(names[0] as string)
      limits.countSubscribes(request, names.length - 1)
      const { since, ...query } = parseSubscriptionQuery(request.query, lastEventId, names.length)
      const channels = names.map((channel, index) => ({ channel, since: since[index] }))
      return { ...query, channels: channels as [RequestedChannel, ...RequestedChannel[]] }
    },
    enter (connection, address) {
      connections.enter(address)
      const place: Place = { address, subscriber: undefined }
      // The only closure per connection; it must not reference the request.
      connection.on('close', (code) => { close(place, code) })
      return place
    },
    attach,
    admit: (request, { channel }) => access.admit(request, channelOf(channel)),
    beginStream (place, reply, format, channel, heartbeat) {
      const { raw: response } = reply
      reply.hijack()
      response.once('close', keepOpen(response))
      const heartbeatMs = heartbeat ? pingIntervalMs : undefined
      const headers = reply.getHeaders()
      const subscriber = new HttpStreamSubscriber({ response, format, channel, headers, heartbeatMs, onEnd: journal.ending })
      attach(place, subscriber)
      return subscriber
    },
    join (subscriber, { channel, since = 'now' }, grant, address, announce = true) {
      journal.subscribed(channel, subscriber, address)
      void hub.join(channel, subscriber, since, announce)
      hold(subscriber, grant)
    },
    hold,
    leave
  } satisfies Subscriptions)
}, {
  name: 'messenger-subscriptions',
  dependencies: ['messenger-access', 'messenger-hub', 'messenger-journal', 'messenger-limits', 'messenger-origins'],
  fastify: '5.x'
})

function nameOf ({ params }: SubscriptionRequest): string {
  return params.channel ?? params['*'] ?? ''
}

/** The names of the path, and behind them those of the query. */
function namesOf (request: SubscriptionRequest): string[] {
  const { channels } = request.query
  const names = nameOf(request).split(',')
  if (typeof channels === 'string') names.push(...channels.split(','))
  else if (channels !== undefined) throw new QueryInvalidError('channels must be given once, as names with commas between them')
  return names
}

/** Checks the list as a whole; invalid names are refused individually. */
function assertNames (names: readonly string[], maxChannels: number): void {
  if (names.length > maxChannels) throw new QueryInvalidError(`${names.length} channels, but at most ${maxChannels} may share this connection`)
  if (new Set(names).size < names.length) throw new QueryInvalidError('a channel is named twice')
}
