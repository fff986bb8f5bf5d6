import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import websocket from '@fastify/websocket'
import fp from 'fastify-plugin'
import type { WebSocket } from 'ws'
import { selectProtocol } from '../src/access/credential.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'
import { Close } from '../src/wire/close.js'
import { closeWebSocket } from '../src/transports/websocket.js'

/** Largest frame that is taken from a subscriber, in bytes. What it says is thrown away. */
const MAX_RECEIVED_FRAME_BYTES = 4_096
const SWEEPS_PER_TIMEOUT = 4

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
  if (!fastify.hasPlugin('@fastify/websocket')) {
    await fastify.register(websocket, {
      options: { maxPayload: MAX_RECEIVED_FRAME_BYTES, handleProtocols: selectProtocol },
      // Its own would send 1005 and wait half a minute for each silent client.
      preClose (done) {
        for (const socket of this.websocketServer.clients) closeWebSocket(socket, Close.GOING_AWAY, 'going away', drainMs)
        this.websocketServer.close()
        done()
      }
    })
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
  fastify.server.prependListener('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    pending.set(socket, performance.now())
    sweeper ??= setTimeout(sweep, upgradeTimeoutMs / SWEEPS_PER_TIMEOUT).unref()
  })
  fastify.websocketServer.on('connection', (_socket: WebSocket, { socket }: IncomingMessage) => { pending.delete(socket) })
  fastify.addHook('preClose', async () => {
    upgradeTimeoutMs = 0
    clearTimeout(sweeper)
    sweep()
  })
}, { name: 'messenger-websocket', fastify: '5.x' })
