import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { ChannelRegistry } from '../src/channels/registry.js'
import { ClosedError } from '../src/errors.js'
import { HttpStreamSubscriber, type StreamFormatName } from '../src/transports/http-stream.js'
import { LongPollSubscriber } from '../src/transports/long-poll.js'
import { closeWebSocket, WebSocketSubscriber } from '../src/transports/websocket.js'
import { Close } from '../src/wire/close.js'
import { answerText, wrap } from '../src/wire/envelope.js'
import { formatId } from '../src/wire/id.js'
import { negotiate } from '../src/wire/negotiate.js'
import { parseSubscriptionQuery, type RawQuery, type SubscriptionQuery } from './subscription-query.js'

/** Options of this route. */
export interface SubscribeRouteOptions {
  /** Milliseconds between two heartbeats. */
  pingIntervalMs: number
}

interface Subscribe {
  Params: { channel: string }
  Querystring: RawQuery
}

/** `GET /:channel`: a client subscribes, by WebSocket, as a stream or for one answer. */
const subscribe: FastifyPluginAsync<SubscribeRouteOptions> = async (fastify, { pingIntervalMs }) => {
  const { channels } = fastify

  fastify.route<Subscribe>({
    method: 'GET',
    url: '/:channel',
    exposeHeadRoute: false,
    onRequest (_request, reply, done) {
      // Like a WebSocket, a stream is open to pages of every origin; the answer to one that is refused says so, too.
      reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', 'retry-after')
      done(channels.closing ? new ClosedError() : undefined)
    },
    preHandler (request, reply, done) {
      // The response is not needed any more once the connection is a WebSocket's; it would keep the request alive with it.
      if (request.ws && reply.raw.socket) reply.raw.detachSocket(reply.raw.socket)
      done()
    },
    async handler (request, reply) {
      const { channel } = request.params
      channels.assertName(channel)
      const query = parseSubscriptionQuery(request.query, request.headers['last-event-id'])
      const format = negotiate(request.headers.accept)
      if (format !== 'application/json') { stream(format, channel, query, reply); return await reply }
      reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store')
      return query.waitMs > 0 ? await poll(channels, channel, query, request) : await read(channels, channel, query)
    },
    wsHandler (socket, request) {
      try {
        const { channel } = request.params
        channels.assertName(channel)
        const { since, heartbeat } = parseSubscriptionQuery(request.query, undefined)
        const subscriber = new WebSocketSubscriber(socket, since !== undefined, heartbeat ? pingIntervalMs : undefined)
        replaceErrorListener(socket)
        // The registry closes it, with a reason; whoever owns the server would only close it.
        fastify.websocketServer.clients.delete(socket)
        socket.on('close', () => { channels.release(subscriber) })
        void channels.subscribe(channel, subscriber, since ?? 'now', since !== undefined)
      } catch (error) {
        closeWebSocket(socket, Close.POLICY, (error as FastifyError).code)
      }
    }
  })

  function stream (format: StreamFormatName, channel: string, { since = 'now', heartbeat }: SubscriptionQuery, reply: FastifyReply): void {
    reply.hijack()
    const subscriber = new HttpStreamSubscriber({
      response: reply.raw,
      format,
      channel,
      headers: reply.getHeaders(),
      heartbeatMs: heartbeat ? pingIntervalMs : undefined
    })
    reply.raw.on('close', () => { channels.release(subscriber) })
    void channels.subscribe(channel, subscriber, since, true)
  }
}

export default subscribe

/** Answers with what is kept. */
async function read (channels: ChannelRegistry, channel: string, { since = 'earliest', limit }: SubscriptionQuery): Promise<string> {
  const { epoch, after, entries, reason } = await channels.read(channel, since, limit)
  const envelopes = entries.map((entry) => wrap(channel, entry.message, epoch, entry.offset))
  return answerText(channel, envelopes, formatId(epoch, after + entries.length), reason)
}

/** Answers with what is kept after a position, or else with the first messages that come in time. */
async function poll (channels: ChannelRegistry, channel: string, { since = 'now', waitMs, limit }: SubscriptionQuery, { raw }: FastifyRequest): Promise<string> {
  const subscriber = new LongPollSubscriber(waitMs, limit)
  const gone = (): void => { subscriber.terminate() }
  raw.socket.on('close', gone)
  void channels.subscribe(channel, subscriber, since, true)
  const { envelopes, id, reason } = await subscriber.result
  raw.socket.off('close', gone)
  channels.release(subscriber)
  if (id === '') throw new ClosedError()
  return answerText(channel, envelopes, id, reason)
}

/** Answers a WebSocket at a path that is not a channel's. */
export function refuseWebSocket (socket: WebSocket): void {
  closeWebSocket(socket, Close.POLICY, 'MSG_ERR_CHANNEL_INVALID')
}

/**
 * Takes off the listener of @fastify/websocket, which keeps the request and the reply alive. What fails here is the connection,
 * and 'close' follows. In this order, because taking off the last listener of an event costs 300 bytes a socket.
 */
function replaceErrorListener (socket: WebSocket): void {
  const listeners = socket.listeners('error') as (() => void)[]
  socket.on('error', ignore)
  for (const listener of listeners) socket.off('error', listener)
}

function ignore (): void {}
