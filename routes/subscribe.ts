import type { FastifyError } from '@fastify/error'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { OWN_ROUTE } from '../plugins/host-limits.js'
import type { Grant } from '../src/access/grant.js'
import { pathOf, withoutToken } from '../src/access/redact.js'
import type { GapReason, Since } from '../src/brokers/broker.js'
import { ASKED_EVERYWHERE } from '../src/channels/name.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import { ChannelInvalidError, ClosedError, EngineUnavailableError, FullError, NotFoundError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'
import { Answer, countOfAnswer } from '../src/transports/answer.js'
import { HttpStreamSubscriber, type StreamFormatName } from '../src/transports/http-stream.js'
import { isGone, keepOpen } from '../src/transports/keep-open.js'
import { LongPollSubscriber } from '../src/transports/long-poll.js'
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
  /** `/:channel`, and the paths that are left over, at which there is no channel. */
  paths: readonly string[]
}

interface Subscribe {
  /** The wildcard has names that the router takes for too long before they are decoded. */
  Params: { channel?: string, '*'?: string }
  Querystring: RawQuery
}

type SubscribeRequest = FastifyRequest<Subscribe>

/** `GET /:channel`: a client subscribes, by WebSocket, as a stream or for one answer. */
const subscribe: FastifyPluginAsync<SubscribeRouteOptions> = async (fastify, { pingIntervalMs, maxReceivedBytes, paths }) => {
  const { access, channelNames, hub, limits, origins, webSockets } = fastify
  const { admissions, budget, counters, stalls } = limits
  const settings: WebSocketSettings = {
    pingIntervalMs,
    maxReceivedBytes,
    onFlood (subscriber) {
      counters.hit('maxReceivedBytes')
      hub.expel(subscriber, Close.POLICY, FLOODED)
    }
  }

  for (const url of paths) {
    fastify.route<Subscribe>({
      ...OWN_ROUTE,
      method: ['GET', 'HEAD'],
      url,
      config: { ...OWN_ROUTE.config, onWebSocket: open },
      exposeHeadRoute: false,
      onRequest (request, reply, done) {
        if (isElsewhere(request)) { done(); return }
        origins.share(request, reply)
        origins.verify(request)
        limits.countSubscribe(request)
        done(hub.closing ? new ClosedError() : undefined)
      },
      preHandler (request, _reply, done) {
        if (webSockets.requested(request) && !isElsewhere(request)) {
          // A full server refuses before the handshake; nothing comes between this and the handler.
          admissions.assertPlace(networkOf(request.ip))
          hub.assertRoom(nameOf(request))
        }
        done()
      },
      async handler (request, reply) {
        if (isElsewhere(request)) return await notFound(request, reply)
        return await respond(request, reply)
      }
    })
  }

  /** Answers, or begins to answer, over HTTP. */
  async function respond (request: SubscribeRequest, reply: FastifyReply): Promise<FastifyReply | Answer['payload']> {
    const channel = nameOf(request)
    assertChannel(channel)
    const query = parseSubscriptionQuery(request.query, request.headers['last-event-id'])
    const address = networkOf(request.ip)
    const format = negotiate(request.headers.accept)
    // Whoever left while a hook of the host's or others were asked is not waited for: its 'close' has been.
    if (isGone(reply.raw)) { reply.hijack(); return await reply }
    // From here on, also while others are asked, it takes a place until it is over; what is answered at once needs none.
    if (format !== 'application/json' || query.waitMs > 0 || !access.gate.isOpen) {
      admissions.enter(address)
      reply.raw.once('close', () => { admissions.leave(address) })
    }
    const admitted = access.admit(request, channel)
    const grant = admitted instanceof Promise ? await admitted : admitted
    if (isGone(reply.raw)) { reply.hijack(); return await reply }
    reply.header('cache-control', 'no-store')
    if (request.method === 'HEAD') return await reply.type(`${format}; charset=utf-8`).send()
    if (format !== 'application/json') { stream(format, channel, query, grant, address, reply); return await reply }
    reply.header('content-type', 'application/json; charset=utf-8')
    return query.waitMs > 0 ? await poll(channel, query, grant, address, reply) : await read(channel, query, grant, address, reply)
  }

  /** Makes a WebSocket a subscriber's, or refuses it. */
  function open (socket: WebSocket, untyped: FastifyRequest): void {
    const request = untyped as SubscribeRequest
    const address = networkOf(request.ip)
    const refuse = (error: unknown): void => {
      if (!isOwn(error)) request.log.error(error)
      webSockets.refuse(socket, error as FastifyError, address)
    }
    try {
      const channel = nameOf(request)
      if (isElsewhere(request)) throw new ChannelInvalidError(JSON.stringify(channel))
      assertChannel(channel)
      const { since, heartbeat } = parseSubscriptionQuery(request.query, undefined)
      const subscriber = new WebSocketSubscriber(socket, { announced: since !== undefined, heartbeat }, settings)
      admissions.enter(address)
      socket.on('close', () => {
        admissions.leave(address)
        release(subscriber)
      })
      stalls.add(subscriber, address)
      const begin = (grant: Grant): void => {
        if (!subscriber.isOpen()) return
        if (hub.closing) throw new ClosedError()
        webSockets.admitted(socket, address)
        join(channel, subscriber, since ?? 'now', since !== undefined, grant)
      }
      const admitted = access.admit(request, channel)
      if (admitted instanceof Promise) admitted.then(begin).catch(refuse)
      else begin(admitted)
    } catch (error) {
      refuse(error)
    }
  }

  /** Throws for what is no channel's name. Over HTTP nothing is at the paths that are asked of every server. */
  function assertChannel (channel: string): void {
    try {
      channelNames.assert(channel)
    } catch (error) {
      if (ASKED_EVERYWHERE.has(channel)) (error as FastifyError).statusCode = 404
      throw error
    }
  }

  function stream (format: StreamFormatName, channel: string, { since = 'now', heartbeat }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): void {
    hub.assertRoom(channel)
    reply.hijack()
    const letRest = keepOpen(reply.raw)
    const subscriber = new HttpStreamSubscriber({
      response: reply.raw,
      format,
      channel,
      headers: reply.getHeaders(),
      heartbeatMs: heartbeat ? pingIntervalMs : undefined
    })
    reply.raw.once('close', () => {
      letRest()
      release(subscriber)
    })
    stalls.add(subscriber, address)
    join(channel, subscriber, since, true, grant)
  }

  /** Answers with what is kept after a position, or else with the first messages that come in time. */
  async function poll (channel: string, { since = 'now', waitMs, limit }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): Promise<Answer['payload']> {
    hub.assertRoom(channel)
    const subscriber = new LongPollSubscriber(waitMs, limit)
    const gone = (): void => { subscriber.terminate() }
    const letRest = keepOpen(reply.raw)
    reply.raw.once('close', gone)
    join(channel, subscriber, since, true, grant)
    const { envelopes, id, reason } = await subscriber.result
    reply.raw.off('close', gone)
    letRest()
    release(subscriber)
    if (id === '') throw hub.closing ? new ClosedError() : new EngineUnavailableError('not within the time to wait')
    return answer(channel, envelopes, id, reason, address, reply)
  }

  /** Answers with what is kept, as much of it as one answer may hold. */
  async function read (channel: string, { since = 'earliest', limit }: SubscriptionQuery, grant: Grant, address: string, reply: FastifyReply): Promise<Answer['payload']> {
    const { epoch, after, entries, reason } = await hub.read(channel, since, limit)
    // The log may have taken its time.
    access.gate.assertHolds(grant)
    const taken = entries.slice(0, countOfAnswer(entries))
    const envelopes = taken.map((entry) => wrap(channel, entry.message, epoch, entry.offset))
    return answer(channel, envelopes, formatId(epoch, after + taken.length), reason, address, reply)
  }

  /** What is sent as an answer: part of the budget, and watched, until it was read or the connection is gone. */
  function answer (channel: string, envelopes: readonly Envelope[], id: string, reason: GapReason | undefined, address: string, reply: FastifyReply): Answer['payload'] {
    // Nobody waits for it any more.
    if (isGone(reply.raw)) return Buffer.alloc(0)
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
    void hub.join(channel, subscriber, since, announce)
    access.sessions.add(subscriber, grant)
  }

  /** Has a subscriber leave whose connection is gone. */
  function release (subscriber: Subscriber): void {
    stalls.delete(subscriber)
    access.sessions.delete(subscriber)
    hub.leave(subscriber)
  }
}

export default subscribe

function nameOf ({ params }: SubscribeRequest): string {
  return params.channel ?? params['*'] ?? ''
}

/** Whether a path is not that of one name. */
function isElsewhere ({ params: { channel, '*': rest = '' } }: SubscribeRequest): boolean {
  return channel === undefined && (rest === '' || rest.includes('/'))
}

async function notFound (request: SubscribeRequest, reply: FastifyReply): Promise<FastifyReply> {
  // The host's answer writes the URL to the log.
  if (withoutToken(request.url) !== request.url) throw new NotFoundError(request.method, pathOf(request.url))
  reply.callNotFound()
  return await reply
}

function isOwn (error: unknown): boolean {
  return (error as Partial<FastifyError> | undefined)?.code?.startsWith('MSG_ERR_') === true
}
