import type { FastifyError } from '@fastify/error'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { Grant } from '../src/access/grant.js'
import type { GapReason, LogEntry, Since } from '../src/brokers/broker.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import { ClosedError, EngineUnavailableError, FullError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'
import { Answer } from '../src/transports/answer.js'
import { HttpStreamSubscriber, type StreamFormatName } from '../src/transports/http-stream.js'
import { LongPollSubscriber } from '../src/transports/long-poll.js'
import { refuseWebSocket } from '../src/transports/refuse-websocket.js'
import { FLOODED, type WebSocketSettings, WebSocketSubscriber } from '../src/transports/websocket.js'
import { Close } from '../src/wire/close.js'
import { answerText, type Envelope, wrap } from '../src/wire/envelope.js'
import { formatId } from '../src/wire/id.js'
import { negotiate } from '../src/wire/negotiate.js'
import { parseSubscriptionQuery, type RawQuery, type SubscriptionQuery } from './subscription-query.js'

/** Options of this route. */
export interface SubscribeRouteOptions extends Pick<WebSocketSettings, 'maxReceivedBytes'> {
  /** Milliseconds between two heartbeats. */
  pingIntervalMs: number
}

/** How long an answer may get; there is more where its id says. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2

interface Subscribe {
  Params: { channel: string }
  Querystring: RawQuery
}

/** `GET /:channel`: a client subscribes, by WebSocket, as a stream or for one answer. */
const subscribe: FastifyPluginAsync<SubscribeRouteOptions> = async (fastify, { pingIntervalMs, maxReceivedBytes }) => {
  const { access, channels, limits, origins } = fastify
  const { admissions, budget, counters, stalls } = limits
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
      const address = networkOf(request.ip)
      const format = negotiate(request.headers.accept)
      // From here on, also while others are asked, it takes a place until it is over; what is answered at once needs none.
      if (format !== 'application/json' || query.waitMs > 0 || !access.gate.isOpen) {
        admissions.enter(address)
        reply.raw.once('close', () => { admissions.leave(address) })
      }
      const admitted = access.admit(request, channel)
      const grant = admitted instanceof Promise ? await admitted : admitted
      // Whoever left while others were asked is not waited for: its 'close' has been.
      if (reply.raw.destroyed) { reply.hijack(); return await reply }
      if (format !== 'application/json') { stream(format, channel, query, grant, address, reply); return await reply }
      reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store')
      return query.waitMs > 0 ? await poll(channel, query, grant, address, reply) : await read(channel, query, grant, address, reply)
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
        socket.on('close', () => {
          admissions.leave(address)
          release(subscriber)
        })
        stalls.add(subscriber, address)
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

  function stream (format: StreamFormatName, channel: string, { since = 'now', heartbeat }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): void {
    channels.assertRoom(channel)
    reply.hijack()
    const subscriber = new HttpStreamSubscriber({
      response: reply.raw,
      format,
      channel,
      headers: reply.getHeaders(),
      heartbeatMs: heartbeat ? pingIntervalMs : undefined
    })
    reply.raw.on('close', () => { release(subscriber) })
    stalls.add(subscriber, address)
    join(channel, subscriber, since, true, grant)
  }

  /** Answers with what is kept after a position, or else with the first messages that come in time. */
  async function poll (channel: string, { since = 'now', waitMs, limit }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): Promise<Answer['payload']> {
    channels.assertRoom(channel)
    const subscriber = new LongPollSubscriber(waitMs, limit)
    reply.raw.once('close', () => { subscriber.terminate() })
    join(channel, subscriber, since, true, grant)
    const { envelopes, id, reason } = await subscriber.result
    release(subscriber)
    if (id === '') throw channels.closing ? new ClosedError() : new EngineUnavailableError('not within the time to wait')
    return answer(channel, envelopes, id, reason, address, reply)
  }

  /** Answers with what is kept, as much of it as one answer may hold. */
  async function read (channel: string, { since = 'earliest', limit }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): Promise<Answer['payload']> {
    const { epoch, after, entries, reason } = await channels.read(channel, since, limit)
    // The log may have taken its time.
    access.gate.assertHolds(grant)
    const taken = entries.slice(0, countWithin(entries, MAX_ANSWER_BYTES))
    const envelopes = taken.map((entry) => wrap(channel, entry.message, epoch, entry.offset))
    return answer(channel, envelopes, formatId(epoch, after + taken.length), reason, address, reply)
  }

  /** What is sent as an answer: part of the budget, and watched, until it was read or the connection is gone. */
  function answer (channel: string, envelopes: readonly Envelope[], id: string, reason: GapReason | undefined, address: string, reply: FastifyReply): Answer['payload'] {
    // Nobody waits for it any more.
    if (reply.raw.destroyed) return Buffer.alloc(0)
    const lease = budget.open(address, () => { reply.raw.destroy() })
    reply.raw.once('close', () => { lease.close() })
    // Before it is made.
    lease.resize(envelopes.reduce((sum, { text }) => sum + text.length, 0))
    if (!lease.isOpen) throw new FullError('MAX_BYTES_IN_FLIGHT')
    const sent = new Answer(Buffer.from(answerText(channel, envelopes, id, reason)), reply.raw)
    stalls.add(sent, address, lease)
    reply.raw.once('close', () => { stalls.delete(sent) })
    reply.header('content-length', sent.unsentBytes)
    return sent.payload
  }

  function join (channel: string, subscriber: Subscriber, since: Since, announce: boolean, grant: Grant): void {
    void channels.subscribe(channel, subscriber, since, announce)
    access.sessions.add(subscriber, grant)
  }

  /** Has a subscriber leave whose connection is gone. */
  function release (subscriber: Subscriber): void {
    stalls.delete(subscriber)
    access.sessions.delete(subscriber)
    channels.release(subscriber)
  }
}

export default subscribe

/** How many of the entries, one at least, an answer of so many bytes has room for. */
function countWithin (entries: readonly LogEntry[], bytes: number): number {
  let left = bytes
  const end = entries.findIndex(({ message }) => (left -= message.length) < 0)
  return end < 0 ? entries.length : Math.max(1, end)
}
