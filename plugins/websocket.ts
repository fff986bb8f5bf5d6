import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyError } from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type WebSocket, WebSocketServer } from 'ws'
import { selectProtocol } from '../src/access/credential.js'
import { ChannelInvalidError, ChannelReservedError, UpgradeInvalidError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'
import { servedFiles } from '../src/public-files.js'
import { Refusals } from '../src/transports/refuse-websocket.js'
import { closeWebSocket } from '../src/transports/websocket.js'
import { MAX_FRAME_BYTES } from '../src/wire/client-frame.js'
import { Close, closeCodeOf } from '../src/wire/close.js'
import { isOwnError } from '../src/http/error-reply.js'
import { isWebSocketUpgrade } from '../src/http/ignored-upgrades.js'
import { attachResponse, currentResponse, detachResponse, endOnce } from '../src/http/internals.js'
import { pathUnder } from '../src/http/paths.js'
import type { RawQuery } from '../src/http/subscription-query.js'
import { answerRaw } from '../src/http/raw-answer.js'
import { UpgradeRouter } from '../src/http/upgrade-router.js'

/** Largest frame of a WebSocket without `frames`, in bytes. Its content is discarded. */
const MAX_RECEIVED_FRAME_BYTES = 4_096
const SWEEPS_PER_TIMEOUT = 4
/** Headers of the answer to an invalid handshake (RFC 9110, section 15.5.22; RFC 6455, section 4.4). */
const TAKEN = ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']

declare module 'fastify' {
  interface FastifyInstance {
    /** The WebSockets of the scope. */
    webSockets: WebSockets
  }
  interface FastifyContextConfig {
    /** Handles the route's WebSockets; every other route of the scope refuses them. */
    onWebSocket?: (socket: WebSocket, request: FastifyRequest) => void
  }
}

/** Options of this plugin. */
export interface WebSocketPluginOptions {
  /** Milliseconds from a request to upgrade to the WebSocket. */
  upgradeTimeoutMs: number
  /** Time limit in milliseconds for the close of WebSockets without a subscription when the app closes. */
  drainMs: number
  /** Counts connections that took longer. */
  counters: LimitCounters
  /** Whether the scope owns every path under its prefix; otherwise paths of neither a channel nor a route are the host's. */
  everyPath: boolean
}

/** The WebSocket side of the routes. */
export interface WebSockets {
  /** Whether a request is for an upgrade to a WebSocket and its connection waits for the handshake. */
  requested (request: FastifyRequest): boolean
  /** Closes a WebSocket because of an error, with a growing delay for consecutive refusals of one address. */
  refuse (socket: WebSocket, error: Pick<FastifyError, 'code' | 'statusCode'>, address: string): void
  /** Marks a WebSocket as a subscriber's, which the hub closes. */
  admitted (socket: WebSocket, address: string): void
}

interface Handshake {
  readonly socket: Duplex
  readonly head: Buffer
}

/**
 * Routes upgrades under the scope's prefix through its routes and hooks. Not @fastify/websocket: it decorates requests and apps,
 * answers every upgrade of the server, twice where it is loaded twice, and leaves sockets of some refused upgrades open.
 */
export default fp<WebSocketPluginOptions>(async (fastify, { upgradeTimeoutMs, drainMs, counters, everyPath }) => {
  const plainServer = createServer(MAX_RECEIVED_FRAME_BYTES)
  const framesServer = createServer(MAX_FRAME_BYTES)
  const refusals = new Refusals()
  const { journal, hub: { traffic } } = fastify
  const refuse = (socket: WebSocket, error: Pick<FastifyError, 'code' | 'statusCode'>, address: string): void => {
    journal.refused(isOwnError(error) ? error.code : 'MSG_ERR_INTERNAL', address)
    traffic.closed.add(closeCodeOf(error.statusCode))
    refusals.refuse(socket, error, address)
  }
  const files = servedFiles()
  const handshakes = new WeakMap<IncomingMessage, Handshake>()
  /** WebSockets without a subscriber. */
  const unsubscribed = new Set<WebSocket>()

  // An upgrade that is never answered would hold its connection forever.
  const pending = new Map<Duplex, number>()
  let timeoutMs = upgradeTimeoutMs
  let sweeper: NodeJS.Timeout | undefined
  const sweep = (): void => {
    const overdue = performance.now() - timeoutMs
    for (const [socket, since] of pending) {
      if (since > overdue) break
      if (!socket.destroyed) {
        counters.hit('upgradeTimeoutMs')
        socket.destroy()
      }
      pending.delete(socket)
    }
    sweeper = pending.size > 0 ? setTimeout(sweep, timeoutMs / SWEEPS_PER_TIMEOUT).unref() : undefined
  }

  const handle = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Pipelined behind an unanswered request: the upgrade would take the connection from that response, bypassing all limits.
    if (currentResponse(socket) !== undefined) { socket.destroy(); return }
    // Node has removed its own listener.
    socket.on('error', destroy)
    pending.set(socket, performance.now())
    sweeper ??= setTimeout(sweep, timeoutMs / SWEEPS_PER_TIMEOUT).unref()
    handshakes.set(request, { socket, head })
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    // Any other response ends the connection, from which Node reads no further request.
    response.once('finish', () => { socket.end(() => { socket.destroy() }) })
    attachResponse(response, socket)
    try {
      fastify.routing(request, response)
    } catch (error) {
      fastify.log.error(error)
      socket.destroy()
    }
  }

  const ours = pathUnder(fastify, everyPath)
  UpgradeRouter.of(fastify.server).add({ rank: (request) => isWebSocketUpgrade(request) ? ours(request.url as string) : undefined, handle })

  fastify.decorate('webSockets', {
    requested: ({ raw }) => handshakes.has(raw),
    refuse,
    admitted (socket, address) {
      unsubscribed.delete(socket)
      socket.off('close', leave)
      refusals.admitted(address)
    }
  } satisfies WebSockets)

  function leave (this: WebSocket): void {
    unsubscribed.delete(this)
  }

  /** Completes the handshake: from now on the connection belongs to the WebSocket, and the reply is unused. */
  function accept ({ raw, query }: FastifyRequest, reply: FastifyReply, onOpen: (socket: WebSocket) => void): void {
    const { socket, head } = handshakes.get(raw) as Handshake
    handshakes.delete(raw)
    detachResponse(reply.raw, socket)
    reply.hijack()
    const server = (query as RawQuery).frames === undefined ? plainServer : framesServer
    server.handleUpgrade(raw, socket, head, (webSocket) => {
      // Not before ws has one of its own: removing the last listener of an event costs 300 bytes a socket.
      socket.off('error', destroy)
      pending.delete(socket)
      endOnce(webSocket)
      unsubscribed.add(webSocket)
      webSocket.on('close', leave)
      onOpen(webSocket)
    })
  }

  fastify.addHook('onRoute', (route) => {
    const { handler, routePath, config: { onWebSocket } = {} } = route
    if (![route.method].flat().includes('GET')) return
    const name = routePath.slice(1)
    const refusal = files.has(name)
      ? new ChannelReservedError(JSON.stringify(name), 'the file of that name: choose another name')
      : new ChannelInvalidError(JSON.stringify(name))
    const take = onWebSocket ?? ((socket, { ip }) => { refuse(socket, refusal, networkOf(ip)) })
    // Wraps the handler that a hook of the host may have replaced, such as that of @fastify/websocket.
    route.handler = function (request, reply) {
      if (!handshakes.has(request.raw)) return handler.call(this, request, reply)
      accept(request, reply, (socket) => { take(socket, request) })
      return reply
    }
  })

  fastify.addHook('preClose', async () => {
    timeoutMs = 0
    clearTimeout(sweeper)
    sweep()
    refusals.close()
    for (const socket of unsubscribed) {
      traffic.closed.add(Close.GOING_AWAY)
      closeWebSocket(socket, Close.GOING_AWAY, 'going away', drainMs)
    }
  })
}, { name: 'messenger-websocket', dependencies: ['messenger-hub', 'messenger-journal'], fastify: '5.x' })

/** Completes handshakes of WebSockets that may send frames of so many bytes. */
function createServer (maxPayload: number): WebSocketServer {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload, handleProtocols: selectProtocol })
  server.on('wsClientError', (error: Error, socket: Duplex) => { answerRaw(socket, new UpgradeInvalidError(error.message), TAKEN) })
  return server
}

function destroy (this: Duplex): void {
  this.destroy()
}
