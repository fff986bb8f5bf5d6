// The baseline: what most people write first. Express takes the message, `ws` sends it, stringified for every socket.
import { createServer } from 'node:http'
import express from 'express'
import { WebSocket, WebSocketServer } from 'ws'

const authorization = `Bearer ${process.env.BEARER_TOKEN}`
const channels = new Map()
const app = express()

app.post('/send/:channel', (request, response, next) => {
  if (request.headers.authorization === authorization) next()
  else response.sendStatus(403)
}, express.json(), (request, response) => {
  const { channel } = request.params
  const { message } = request.body
  for (const socket of channels.get(channel) ?? []) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ channel, message }))
  }
  response.json({ status: 'Message sent' })
})

const server = createServer(app)
new WebSocketServer({ server }).on('connection', (socket, request) => {
  const channel = request.url.slice(1)
  if (!channels.has(channel)) channels.set(channel, new Set())
  const sockets = channels.get(channel)
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => {
    sockets.delete(socket)
    if (sockets.size === 0) channels.delete(channel)
  })
})
server.listen(Number(process.env.PORT), process.env.HOST)
