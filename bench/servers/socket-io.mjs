// Socket.IO: a channel is a room; WebSocket transport only. Messages come in through Express, as in the baseline.
// With REDIS_URL it is one of several servers that share their messages through the Redis Streams adapter.
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import express from 'express'
import { createClient } from 'redis'
import { Server } from 'socket.io'

const authorization = `Bearer ${process.env.BEARER_TOKEN}`
const app = express()

app.post('/send/:channel', (request, response, next) => {
  if (request.headers.authorization === authorization) next()
  else response.sendStatus(403)
}, express.json(), (request, response) => {
  io.to(request.params.channel).emit('message', request.body.message)
  response.json({ status: 'Message sent' })
})

const server = createServer(app)
const io = new Server(server, { transports: ['websocket'], serveClient: false, ...await shared(process.env.REDIS_URL) })
io.on('connection', (socket) => { socket.join(socket.handshake.query.channel) })
server.listen(Number(process.env.PORT), process.env.HOST)

async function shared (url) {
  if (url === undefined) return {}
  const client = createClient({ url })
  await client.connect()
  return { adapter: createAdapter(client) }
}
