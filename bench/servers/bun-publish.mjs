// Bun: uWebSockets' publish, with the HTTP server that comes with it. Runs under Bun, not Node.
/* global Bun */

const authorization = `Bearer ${process.env.BEARER_TOKEN}`

Bun.serve({
  port: Number(process.env.PORT),
  hostname: process.env.HOST,
  async fetch (request, server) {
    const { pathname } = new URL(request.url)
    if (request.method !== 'POST') {
      return server.upgrade(request, { data: pathname.slice(1) }) ? undefined : new Response('', { status: 400 })
    }
    if (request.headers.get('authorization') !== authorization) return new Response('', { status: 403 })
    const channel = pathname.slice('/send/'.length)
    const { message } = await request.json()
    server.publish(channel, JSON.stringify({ channel, message }))
    return Response.json({ status: 'Message sent' })
  },
  websocket: {
    open (socket) { socket.subscribe(socket.data) },
    message () {}
  }
})
