import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import type { Connection } from '../src/channels/connection.js'
import { closeWhenIdle } from '../src/channels/idle-connection.js'
import { isGone } from '../src/http/keep-open.js'
import { parseSince } from '../src/http/subscription-query.js'
import { networkOf } from '../src/limits/address.js'
import { ClientFrames } from '../src/transports/client-frames.js'
import { EventStreamCursor } from '../src/transports/event-stream-cursor.js'
import type { StreamFormatName } from '../src/transports/http-stream.js'
import { WebSocketSubscriber, type WebSocketSettings } from '../src/transports/websocket.js'
import { Close, closeCodeOf, isFinal } from '../src/wire/close.js'
import { type Refusal, tokenText } from '../src/wire/events.js'
import type { ConnectionSession, Decision } from './connections.js'
import type { Place, Requested } from './subscriptions.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Requests for several channels on one connection. */
    multiplexing: Multiplexing
  }
}

/** Options of this plugin. */
export interface MultiplexingPluginOptions {
  /** Channels of one connection. */
  maxChannelsPerConnection: number
}

/** The transports of a connection with several channels. */
export interface Multiplexing {
  /** Subscribes a WebSocket, which is closed where no channel is admitted. Throws where it has no place. */
  open (socket: WebSocket, request: FastifyRequest, requested: Requested, settings: WebSocketSettings): void
  /** Begins a stream once a channel is admitted. Rejects where none is, or the client has no place. */
  stream (format: StreamFormatName, request: FastifyRequest, requested: Requested, reply: FastifyReply): Promise<FastifyReply>
}

/** Decorates the scope with requests for several channels. */
export default fp<MultiplexingPluginOptions>(async (fastify, { maxChannelsPerConnection }) => {
  const { access, connections, hub, limits, subscriptions, webSockets } = fastify

  /** Closes a connection without a channel, with the first refusal after which another attempt makes sense. */
  const end = ({ carrier }: Connection, refusal: Refusal | undefined): void => {
    hub.end(carrier, refusal?.close ?? Close.GOING_AWAY, refusal?.code ?? 'idle')
  }

  /** Takes the frames of a client that may change its channels. */
  const listen = (socket: WebSocket, connection: Connection, session: ConnectionSession, ip: string): void => {
    const subscribe = (channel: string, since: string | undefined): void => {
      try {
        limits.countSubscribes({ ip }, 1)
        const start = since === undefined || since === '' ? undefined : parseSince(since)
        connections.subscribe(connection, [{ channel, since: start }], (name) => connections.authorize(session, name))
      } catch (error) {
        connections.refuse(connection, channel, error)
      }
    }
    const token = async (text: string): Promise<void> => {
      if (access.authorizer.verifies) await connections.replaceToken(connection, session, text)
      else connection.send('token', tokenText(undefined))
    }
    const acknowledge = (channel: string, id: string): void => {
      const subscription = connection.get(channel)
      if (subscription !== undefined) hub.receipts.acknowledge(subscription, id)
    }
    const frames = new ClientFrames({ subscribe, token, acknowledge, unsubscribe: (channel) => { connection.unsubscribe(channel) } })
    socket.on('message', (bytes: Buffer, isBinary) => { if (!isBinary && connection.carrier.isOpen()) frames.take(bytes.toString()) })
  }

  fastify.decorate('multiplexing', {
    open (socket, request, { channels, heartbeat, frames }, settings) {
      const { ip } = request
      const address = networkOf(ip)
      const carrier = new WebSocketSubscriber(socket, { announced: true, heartbeat }, settings)
      const place = subscriptions.enter(socket, address)
      subscriptions.attach(place, carrier)
      const session = access.session(request)
      const onIdle = closeWhenIdle()
      const connection = connections.open(place, carrier, {
        onAdmitted: () => { webSockets.admitted(socket, address) },
        onEmpty: (empty, refusal) => {
          if (frames && !hub.closing) onIdle(empty)
          else end(empty, refusal)
        }
      }, { frames: frames ? maxChannelsPerConnection : undefined })
      if (frames) listen(socket, connection, session, ip)
      connections.subscribe(connection, channels, (name) => connections.authorize(session, name))
    },

    async stream (format, request, requested, reply) {
      const { channels } = requested
      const place = subscriptions.enter(reply.raw, networkOf(request.ip))
      const session = access.session(request)
      const decisions = await Promise.all(channels.map(async ({ channel }) => await connections.authorize(session, channel)))
      assertAdmitted(decisions)
      if (isGone(reply.raw)) { reply.hijack(); return await reply }
      reply.header('cache-control', 'no-store')
      if (request.method === 'HEAD') return await reply.type(`${format}; charset=utf-8`).send()
      begin(format, requested, place, decisions, reply)
      return await reply
    }
  } satisfies Multiplexing)

  /** Sends the head of a stream and subscribes to the channels, each of which is admitted or refused by now. */
  const begin = (
    format: StreamFormatName, { channels, heartbeat }: Requested, place: Place, decisions: readonly Decision[], reply: FastifyReply
  ): void => {
    const decided = new Map(channels.map(({ channel }, index) => [channel, decisions[index] as Decision]))
    const carrier = subscriptions.beginStream(place, reply, format, [...decided.keys()].join(','), heartbeat)
    const isEventStream = format === 'text/event-stream'
    const connection = connections.open(place, carrier, {
      onEmpty: end,
      // An `EventSource` cannot ask for one channel again: it comes back for all.
      onRefused: isEventStream ? (refused, refusal) => { if (refusal.close === Close.TRY_AGAIN) end(refused, refusal) } : undefined
    }, { cursor: isEventStream ? new EventStreamCursor(carrier, channels) : undefined })
    connections.subscribe(connection, channels, (name) => decided.get(name) as Decision)
  }
}, {
  name: 'messenger-multiplexing',
  dependencies: ['messenger-access', 'messenger-connections', 'messenger-hub', 'messenger-limits', 'messenger-subscriptions', 'messenger-websocket'],
  fastify: '5.x'
})

/** Throws the first error after which another attempt makes sense, or the first one, where no channel is admitted. */
function assertAdmitted (decisions: readonly Decision[]): void {
  const errors = decisions.filter((decision) => decision instanceof Error)
  if (errors.length < decisions.length) return
  throw (errors.find(({ statusCode }) => !isFinal(closeCodeOf(statusCode))) ?? errors[0]) as Error
}
