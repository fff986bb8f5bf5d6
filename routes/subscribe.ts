import type { FastifyError } from '@fastify/error'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { AnswerPayload, Answers } from '../plugins/answers.js'
import type { Place, Requested, RequestedSubscription, SubscriptionRequest, SubscriptionRoute } from '../plugins/subscriptions.js'
import type { Grant } from '../src/access/grant.js'
import { ClosedError, NotFoundError } from '../src/errors.js'
import { isOwnError } from '../src/http/error-reply.js'
import { isGone } from '../src/http/keep-open.js'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { pathOf, withoutToken } from '../src/http/redaction.js'
import { networkOf } from '../src/limits/address.js'
import type { StreamFormatName } from '../src/transports/http-stream.js'
import { FLOODED, type WebSocketSettings, WebSocketSubscriber } from '../src/transports/websocket.js'
import { Close } from '../src/wire/close.js'
import { isCompanion } from '../src/wire/companion.js'
import { negotiate } from '../src/wire/negotiate.js'

/** Maximum number of channels of an event stream, whose ids list the positions in all of them. */
const MAX_EVENT_STREAM_CHANNELS = 32

/** Options of this route. */
export interface SubscribeRouteOptions extends Pick<WebSocketSettings, 'maxReceivedBytes'> {
  /** Milliseconds between two heartbeats. */
  pingIntervalMs: number
  /** Channels of one connection. */
  maxChannelsPerConnection: number
  /** `/:channel`, and the remaining paths, at which there is no channel. */
  paths: readonly string[]
}

/** `GET /:channel`: a client subscribes, by WebSocket, as a stream or for one answer. */
const subscribe: FastifyPluginAsync<SubscribeRouteOptions> = async (fastify, options) => {
  const { pingIntervalMs, maxChannelsPerConnection, maxReceivedBytes, paths } = options
  const { access, answers, hub, journal, limits: { counters }, multiplexing, subscriptions, webSockets } = fastify
  const settings: WebSocketSettings = {
    pingIntervalMs,
    maxReceivedBytes,
    onFlood (subscriber) {
      counters.hit('maxReceivedBytes')
      hub.expel(subscriber, Close.POLICY, FLOODED)
    },
    onEnd: journal.ending
  }

  for (const url of paths) {
    fastify.route<SubscriptionRoute>({
      ...OWN_ROUTE,
      method: ['GET', 'HEAD'],
      url,
      config: { ...OWN_ROUTE.config, onWebSocket: open },
      exposeHeadRoute: false,
      onRequest (request, reply, done) {
        if (!isElsewhere(request)) subscriptions.screen(request, reply)
        done()
      },
      preHandler (request, _reply, done) {
        // A full server refuses before the handshake; the handler follows synchronously.
        if (webSockets.requested(request) && !isElsewhere(request)) subscriptions.assertPlace(request)
        done()
      },
      async handler (request, reply) {
        if (isElsewhere(request)) return await notFound(request, reply)
        return await respond(request, reply)
      }
    })
  }

  /** Makes a WebSocket a subscriber's, or refuses it. */
  function open (socket: WebSocket, untyped: FastifyRequest): void {
    const request = untyped as SubscriptionRequest
    const address = networkOf(request.ip)
    const refuse = (error: unknown): void => {
      if (!isOwnError(error)) request.log.error(error)
      webSockets.refuse(socket, error as FastifyError, address)
    }
    try {
      const requested = subscriptions.read(request, maxChannelsPerConnection)
      const subscription = single(requested)
      if (subscription === undefined) { multiplexing.open(socket, request, requested, settings); return }
      const announce = subscription.since !== undefined
      // All listeners are added before the first await: otherwise frames, and the close, could be missed.
      const subscriber = new WebSocketSubscriber(socket, { announced: announce, heartbeat: subscription.heartbeat }, settings)
      subscriptions.attach(subscriptions.enter(socket, address), subscriber)
      const begin = (grant: Grant): void => {
        if (!subscriber.isOpen()) return
        if (hub.closing) throw new ClosedError()
        webSockets.admitted(socket, address)
        subscriptions.join(subscriber, subscription, grant, address, announce)
      }
      const admitted = subscriptions.admit(request, subscription)
      if (admitted instanceof Promise) admitted.then(begin).catch(refuse)
      else begin(admitted)
    } catch (error) {
      refuse(error)
    }
  }

  /** Answers, or begins to answer, over HTTP. */
  async function respond (request: SubscriptionRequest, reply: FastifyReply): Promise<FastifyReply | AnswerPayload> {
    const format = negotiate(request.headers.accept)
    const requested = subscriptions.read(request, maxChannels(format), request.headers['last-event-id'])
    // The client may have disconnected while a hook of the host ran: 'close' was emitted already.
    if (isGone(reply.raw)) { reply.hijack(); return await reply }
    const subscription = single({ ...requested, frames: false })
    if (subscription === undefined) return await multiplexing.stream(format as StreamFormatName, request, requested, reply)
    const address = networkOf(request.ip)
    // The request takes a place from here to its end, the authorization included; an immediate answer needs none.
    const immediate = format === 'application/json' && subscription.waitMs === 0 && access.authorizer.isOpen
    const place = immediate ? undefined : subscriptions.enter(reply.raw, address)
    const admitted = subscriptions.admit(request, subscription)
    const grant = admitted instanceof Promise ? await admitted : admitted
    if (isGone(reply.raw)) { reply.hijack(); return await reply }
    reply.header('cache-control', 'no-store')
    if (request.method === 'HEAD') return await reply.type(`${format}; charset=utf-8`).send()
    if (format !== 'application/json') { stream(format, subscription, grant, place as Place, reply); return await reply }
    reply.header('content-type', 'application/json; charset=utf-8')
    return await answers[answerFor(subscription)](subscription, grant, address, reply)
  }

  function maxChannels (format: string): number {
    if (format === 'application/json') return 1
    return format === 'text/event-stream' ? Math.min(MAX_EVENT_STREAM_CHANNELS, maxChannelsPerConnection) : maxChannelsPerConnection
  }

  function stream (format: StreamFormatName, subscription: RequestedSubscription, grant: Grant, place: Place, reply: FastifyReply): void {
    const { channel, heartbeat } = subscription
    hub.assertRoom(channel)
    const subscriber = subscriptions.beginStream(place, reply, format, channel, heartbeat)
    subscriptions.join(subscriber, subscription, grant, place.address)
  }
}

export default subscribe

/** The request for one channel, with nothing that needs a connection of several; otherwise `undefined`. */
function single ({ channels: [first, second], ...query }: Requested): RequestedSubscription | undefined {
  return second === undefined && !query.frames ? { ...query, ...first } : undefined
}

/** The answer to a request for JSON. For a companion without `since` it is the list of members; with `since`, its messages. */
function answerFor ({ channel, since, waitMs }: RequestedSubscription): keyof Answers {
  if (waitMs > 0) return 'poll'
  return isCompanion(channel) && since === undefined ? 'members' : 'read'
}

/** Whether a path is not that of one name. */
function isElsewhere ({ params: { channel, '*': rest = '' } }: SubscriptionRequest): boolean {
  return channel === undefined && (rest === '' || rest.includes('/'))
}

async function notFound (request: SubscriptionRequest, reply: FastifyReply): Promise<FastifyReply> {
  // The host's handler for unknown routes would log the URL.
  if (withoutToken(request.url) !== request.url) throw new NotFoundError(request.method, pathOf(request.url))
  reply.callNotFound()
  return await reply
}
