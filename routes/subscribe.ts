import type { EventEmitter } from 'node:events'
import type { FastifyError } from '@fastify/error'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Grant } from '../src/access/grant.js'
import type { Since } from '../src/brokers/broker.js'
import type { ChannelRegistry } from '../src/channels/registry.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import { ClosedError, EngineUnavailableError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'
import { HttpStreamSubscriber, type StreamFormatName } from '../src/transports/http-stream.js'
import { LongPollSubscriber } from '../src/transports/long-poll.js'
import { refuseWebSocket } from '../src/transports/refuse-websocket.js'
import { FLOODED, type WebSocketSettings, WebSocketSubscriber } from '../src/transports/websocket.js'
import { Close } from '../src/wire/close.js'
import { answerText, wrap } from '../src/wire/envelope.js'
import { formatId } from '../src/wire/id.js'
import { negotiate } from '../src/wire/negotiate.js'
import { parseSubscriptionQuery, type RawQuery, type SubscriptionQuery } from './subscription-query.js'

/** Options of this route. */
export interface SubscribeRouteOptions extends Pick<WebSocketSettings, 'maxReceivedBytes'> {
  /** Milliseconds between two heartbeats. */
  pingIntervalMs: number
}

interface Subscribe {
  Params: { channel: string }
  Querystring: RawQuery
}

/** `GET /:channel`: a client subscribes, by WebSocket, as a stream or for one answer. */
const subscribe: FastifyPluginAsync<SubscribeRouteOptions> = async (fastify, { pingIntervalMs, maxReceivedBytes }) => {
  const { access, channels, limits, origins } = fastify
  const { admissions, counters } = limits
  const settings: WebSocketSettings = {
    pingIntervalMs,
    maxReceivedBytes,
    onFlood (subscriber) {
      counters.hit('maxReceivedBytes')
      channels.expel(subscriber, Close.POLICY, FLOODED)
    }
  }

  fastify.route<Subscribe>({
    method: 'GET',
    url: '/:channel',
    exposeHeadRoute: false,
    onRequest (request, reply, done) {
      origins.share(request, reply)
      origins.verify(request)
      limits.countSubscribe(request)
      done(channels.closing ? new ClosedError() : undefined)
    },
    preHandler (request, reply, done) {
      if (request.ws) {
        // A full server refuses before the handshake; nothing comes between this and the handler.
        admissions.assertPlace(networkOf(request.ip))
        channels.assertRoom(request.params.channel)
        // The response is not needed any more once the connection is a WebSocket's; it would keep the request alive with it.
        if (reply.raw.socket) reply.raw.detachSocket(reply.raw.socket)
      }
      done()
    },
    async handler (request, reply) {
      const { channel } = request.params
      channels.assertName(channel)
      const query = parseSubscriptionQuery(request.query, request.headers['last-event-id'])
      const admitted = access.admit(request, channel)
      const grant = admitted instanceof Promise ? await admitted : admitted
      // Whoever left while others were asked is not waited for: its 'close' has been.
      if (reply.raw.destroyed) { reply.hijack(); return await reply }
      const format = negotiate(request.headers.accept)
      if (format !== 'application/json') { stream(format, channel, query, grant, request, reply); return await reply }
      reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store')
      return query.waitMs > 0 ? await poll(channel, query, grant, request) : await read(channels, channel, query)
    },
    wsHandler (socket, request) {
      try {
        const { channel } = request.params
        channels.assertName(channel)
        const { since, heartbeat } = parseSubscriptionQuery(request.query, undefined)
        // The registry closes it, with a reason; whoever owns the server would only close it.
        fastify.websocketServer.clients.delete(socket)
        const subscriber = new WebSocketSubscriber(socket, { announced: since !== undefined, heartbeat }, settings)
        const address = networkOf(request.ip)
        admissions.enter(address)
        hold(socket, subscriber, address)
        const begin = (grant: Grant): void => {
          if (subscriber.isOpen()) join(channel, subscriber, since ?? 'now', since !== undefined, grant)
        }
        const admitted = access.admit(request, channel)
        if (admitted instanceof Promise) admitted.then(begin).catch((error: unknown) => { refuseWebSocket(socket, error as FastifyError) })
        else begin(admitted)
      } catch (error) {
        refuseWebSocket(socket, error as FastifyError)
      }
    }
  })

  function stream (format: StreamFormatName, channel: string, { since = 'now', heartbeat }: SubscriptionQuery, grant: Grant, { ip }: FastifyRequest, reply: FastifyReply): void {
    const address = networkOf(ip)
    channels.assertRoom(channel)
    admissions.enter(address)
    reply.hijack()
    const subscriber = new HttpStreamSubscriber({
      response: reply.raw,
      format,
      channel,
      headers: reply.getHeaders(),
      heartbeatMs: heartbeat ? pingIntervalMs : undefined
    })
    hold(reply.raw, subscriber, address)
    join(channel, subscriber, since, true, grant)
  }

  /** Answers with what is kept after a position, or else with the first messages that come in time. */
  async function poll (channel: string, { since = 'now', waitMs, limit }: SubscriptionQuery, grant: Grant, { ip, raw }: FastifyRequest): Promise<string> {
    const address = networkOf(ip)
    channels.assertRoom(channel)
    admissions.enter(address)
    const subscriber = new LongPollSubscriber(waitMs, limit)
    const gone = (): void => { subscriber.terminate() }
    raw.socket.on('close', gone)
    join(channel, subscriber, since, true, grant)
    const { envelopes, id, reason } = await subscriber.result
    raw.socket.off('close', gone)
    leave(subscriber, address)
    if (id === '') throw channels.closing ? new ClosedError() : new EngineUnavailableError('not within the time to wait')
    return answerText(channel, envelopes, id, reason)
  }

  function join (channel: string, subscriber: Subscriber, since: Since, announce: boolean, grant: Grant): void {
    void channels.subscribe(channel, subscriber, since, announce)
    access.sessions.add(subscriber, grant)
  }

  /** Has a subscriber leave when its connection is gone. */
  function hold (connection: Pick<EventEmitter, 'on'>, subscriber: Subscriber, address: string): void {
    connection.on('close', () => { leave(subscriber, address) })
  }

  function leave (subscriber: Subscriber, address: string): void {
    admissions.leave(address)
    access.sessions.delete(subscriber)
    channels.release(subscriber)
  }
}

export default subscribe

/** Answers with what is kept. */
async function read (channels: ChannelRegistry, channel: string, { since = 'earliest', limit }: SubscriptionQuery): Promise<string> {
  const { epoch, after, entries, reason } = await channels.read(channel, since, limit)
  const envelopes = entries.map((entry) => wrap(channel, entry.message, epoch, entry.offset))
  return answerText(channel, envelopes, formatId(epoch, after + entries.length), reason)
}
