import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import websocket from '@fastify/websocket'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import { selectProtocol } from '../src/access/credential.js'
import { UpgradeInvalidError } from '../src/errors.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'
import { Close } from '../src/wire/close.js'
import { closeWebSocket } from '../src/transports/websocket.js'
import { type Connection, ignoreUpgrade, isWebSocketUpgrade } from './other-upgrades.js'
import { answerRaw } from './raw-answer.js'

/** Largest frame that is taken from a subscriber, in bytes. What it says is thrown away. */
const MAX_RECEIVED_FRAME_BYTES = 4_096
const SWEEPS_PER_TIMEOUT = 4
/** What a handshake that is wrong is told beside the error (RFC 9110, section 15.5.22; RFC 6455, section 4.4). */
const TAKEN = ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']

/** Options of this plugin. */
export interface WebSocketPluginOptions {
  /** Milliseconds from a request to upgrade to the WebSocket. */
  upgradeTimeoutMs: number
  /** Milliseconds that WebSockets of other routes may take to answer when the app closes. */
  drainMs: number
  /** Where connections that took longer are counted. */
  counters: LimitCounters
}

/** Loads @fastify/websocket where the host has not, and makes sure that no request to upgrade holds a connection for good. */
export default fp<WebSocketPluginOptions>(async (fastify, { upgradeTimeoutMs, drainMs, counters }) => {
  const own = !fastify.hasPlugin('@fastify/websocket')
  // Where it listens for requests to upgrade; those that do not lead to a WebSocket are kept from it.
  const upgrades = new EventEmitter()
  if (own) {
    await fastify.register(websocket, {
      options: { server: upgrades as Server, maxPayload: MAX_RECEIVED_FRAME_BYTES, handleProtocols: selectProtocol },
      // Its own would send 1005 and wait half a minute for each silent client.
      preClose (done) {
        for (const socket of this.websocketServer.clients) closeWebSocket(socket, Close.GOING_AWAY, 'going away', drainMs)
        this.websocketServer.close()
        done()
      }
    })
    fastify.websocketServer.on('wsClientError', (error: Error, socket: Duplex) => { answerRaw(socket, new UpgradeInvalidError(error.message), TAKEN) })
  }

  // A refused upgrade leaves its socket to @fastify/websocket, which ends it only if its own hooks ran. They do not for a
  // malformed URL, when an earlier hook answers and while the server closes.
  const pending = new Map<Duplex, number>()
  let sweeper: NodeJS.Timeout | undefined
  const sweep = (): void => {
    const overdue = performance.now() - upgradeTimeoutMs
    for (const [socket, since] of pending) {
      if (since > overdue) break
      // Nobody reads from a socket that was not upgraded; one that was, perhaps by another server in a scope of the host's, is.
      if (socket.listenerCount('data') === 0 && !socket.destroyed) {
        counters.hit('upgradeTimeoutMs')
        socket.destroy()
      }
      pending.delete(socket)
    }
    sweeper = pending.size > 0 ? setTimeout(sweep, upgradeTimeoutMs / SWEEPS_PER_TIMEOUT).unref() : undefined
  }
  // Ahead of the listener that upgrades: it may be done before it returns.
  fastify.server.prependListener('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Other listeners may know what to do with it.
    if (own && !isWebSocketUpgrade(request) && fastify.server.listenerCount('upgrade') === 1) { ignoreUpgrade(request, socket as Connection, head); return }
    // Behind a request that is not answered yet: it would take the connection away from that answer, past all that counts it.
    if (own && (socket as Connection)._httpMessage) { socket.destroy(); return }
    pending.set(socket, performance.now())
    sweeper ??= setTimeout(sweep, upgradeTimeoutMs / SWEEPS_PER_TIMEOUT).unref()
    upgrades.emit('upgrade', request, socket, head)
  })
  fastify.websocketServer.on('connection', (_socket: WebSocket, { socket }: IncomingMessage) => { pending.delete(socket) })
  fastify.addHook('preClose', async () => {
    upgradeTimeoutMs = 0
    clearTimeout(sweeper)
    sweep()
  })
}, { name: 'messenger-websocket', fastify: '5.x' })
