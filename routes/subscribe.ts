import type { FastifyError, FastifyPluginAsync } from 'fastify'
import type { WebSocket } from 'ws'
import { parseSince } from '../src/channels/since.js'
import { closeWebSocket, WebSocketSubscriber } from '../src/transports/websocket.js'
import { Close } from '../src/wire/close.js'

interface Subscribe {
  Params: { channel?: string }
  Querystring: { since?: unknown }
}

/** `GET /:channel`: a client subscribes. */
const subscribe: FastifyPluginAsync = async (fastify) => {
  const { channels } = fastify

  fastify.route<Subscribe>({
    method: 'GET',
    url: '/:channel',
    preHandler (request, reply, done) {
      // The response is not needed any more once the connection is a WebSocket's; it would keep the request alive with it.
      if (request.ws) reply.raw.detachSocket(request.raw.socket)
      done()
    },
    handler: async (request) => {
      const { channel = '' } = request.params
      channels.assertName(channel)
      return await Promise.resolve({ channel })
    },
    wsHandler (socket, { params, query }) {
      try {
        const { channel = '' } = params
        channels.assertName(channel)
        const since = parseSince(query.since ?? 'now')
        const announced = query.since !== undefined
        const subscriber = new WebSocketSubscriber(socket, announced)
        // Instead of the listener of @fastify/websocket, which keeps the request and the reply. What fails here is the
        // connection, and 'close' follows.
        socket.removeAllListeners('error').on('error', ignore)
        socket.on('close', () => { channels.release(subscriber) })
        void channels.subscribe(channel, subscriber, since, announced)
      } catch (error) {
        closeWebSocket(socket, Close.POLICY, (error as FastifyError).code)
      }
    }
  })
}

export default subscribe

/** Answers a WebSocket at a path that is not a channel's. */
export function refuseWebSocket (socket: WebSocket): void {
  closeWebSocket(socket, Close.POLICY, 'MSG_ERR_CHANNEL_INVALID')
}

function ignore (): void {}
