// Socket.IO: a channel is a room; WebSocket transport only. Messages come in through Express, as in the baseline.
import { createServer } from 'node:http'
import express from 'express'
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
const io = new Server(server, { transports: ['websocket'], serveClient: false })
io.on('connection', (socket) => { socket.join(socket.handshake.query.channel) })
server.listen(Number(process.env.PORT), process.env.HOST)
