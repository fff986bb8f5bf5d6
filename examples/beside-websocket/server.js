// A host with @fastify/websocket and another WebSocket server, of the library ws, beside the messenger.
// Points of interest:
// - The messenger handles upgrades under its prefix and ignores all others: no further code is needed after its registration.
// - @fastify/websocket, however, answers every upgrade of the server that it listens to, also those of others. So it listens to an
//   emitter of its own, `routed`, to which the host forwards all upgrades but those for `cursors`.
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'
import { WebSocketServer } from 'ws'

const MAX_FRAME_BYTES = 4_096
const CURSORS = '/cursors'
const MESSENGER = '/rt'
const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

// One: routes of @fastify/websocket, on which a client sends and is answered.
const routed = new EventEmitter()
await app.register(websocket, { options: { server: routed, maxPayload: MAX_FRAME_BYTES } })
app.get('/echo', { websocket: true }, (socket) => {
  socket.on('message', (data) => { socket.send(String(data).toUpperCase()) })
})

// Two: a server of ws, which passes on what each client sends to the others.
const cursors = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
cursors.on('connection', (socket) => {
  socket.on('error', () => { socket.terminate() })
  socket.on('message', (data) => {
    for (const other of cursors.clients) if (other !== socket && other.readyState === other.OPEN) other.send(String(data))
  })
})
app.addHook('preClose', async () => { for (const socket of cursors.clients) socket.close(1001) })

app.server.on('upgrade', (request, socket, head) => {
  const [path] = request.url.split('?')
  if (path === CURSORS) cursors.handleUpgrade(request, socket, head, (opened) => { cursors.emit('connection', opened, request) })
  else if (!path.startsWith(`${MESSENGER}/`)) routed.emit('upgrade', request, socket, head)
})

// Three: the messenger.
await app.register(messenger, { prefix: MESSENGER })
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

let count = 0
app.post('/news', async () => await app.channels.publish('news', { number: ++count }))

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Three WebSocket servers: open ${address} in two windows`)
