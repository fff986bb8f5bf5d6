import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocketServer } from 'ws'
import messenger from '../../src/index.js'
import { createHost, port, TOKEN } from '../helper.js'
import { connectRaw, subscribe, Subscription, upgradeRequest } from '../sockets.js'

async function register (app: FastifyInstance, prefix = '/rt'): Promise<void> {
  await app.register(messenger, { prefix, token: TOKEN, drainMs: 500, maxSubscribesPerSecond: 3 })
}

async function listen (app: FastifyInstance): Promise<void> {
  await app.listen({ port: 0, host: '127.0.0.1' })
}

/** Checks that each of three connections goes through the hooks once and is counted once. */
async function assertOnce (t: Test, app: FastifyInstance, path: string, hooks: () => number): Promise<void> {
  const before = hooks()
  for (let index = 0; index < 3; index++) t.match(await (await subscribe(t, app, path)).next(), { event: 'subscribed' })
  t.equal(hooks() - before, 3)
}

async function chat (scope: FastifyInstance): Promise<void> {
  await scope.register(websocket, { options: { clientTracking: false } })
  scope.get('/chat', { websocket: true }, (socket) => { socket.send('{"from":"the host"}') })
}

t.test('a host with another WebSocket server', async (t) => {
  const kinds: [name: string, build: (app: FastifyInstance) => Promise<void>][] = [
    ['@fastify/websocket at the root', async (app) => { await chat(app); await register(app) }],
    ['@fastify/websocket in a scope', async (app) => { await app.register(chat); await register(app) }],
    ['@fastify/websocket after the messenger', async (app) => { await register(app); await chat(app) }],
    ['ws without a server of its own', async (app) => {
      await register(app)
      const own = new WebSocketServer({ noServer: true })
      app.server.on('upgrade', (request, socket, head) => {
        if (request.url === '/chat') own.handleUpgrade(request, socket, head, (webSocket) => { webSocket.send('{"from":"the host"}') })
        else socket.destroy()
      })
    }],
    ['ws on the server, which refuses every other path', async (app) => {
      const own = new WebSocketServer({ server: app.server as never, path: '/chat' })
      t.teardown(() => { own.close() })
      own.on('connection', (webSocket) => { webSocket.send('{"from":"the host"}') })
      await register(app)
    }]
  ]
  for (const [name, build] of kinds) {
    t.test(`keeps it: ${name}`, async (t) => {
      const app = createHost(t)
      let hooks = 0
      app.addHook('onRequest', async () => { hooks++ })
      await build(app)
      await listen(app)
      const other = await subscribe(t, app, '/chat')
      t.match(await other.next(), { from: 'the host' })
      await assertOnce(t, app, '/rt/room?since=now', () => hooks)
      other.socket.terminate()
    })
  }

  t.test('may be another messenger, also under a prefix within that of the first', async (t) => {
    const app = createHost(t)
    let hooks = 0
    app.addHook('onRequest', async () => { hooks++ })
    for (const prefix of ['/rt', '/other', '/rt/deep']) await app.register(async (scope) => { await register(scope, prefix) })
    await listen(app)
    for (const prefix of ['/rt', '/other', '/rt/deep']) await assertOnce(t, app, `${prefix}/room?since=now`, () => hooks)
  })

  t.test('has its own routes within the prefix, and a messenger without one leaves them alone', async (t) => {
    for (const prefix of ['/rt', '']) {
      const app = createHost(t)
      await app.register(websocket)
      await register(app, prefix)
      app.get(`${prefix}/chat`, { websocket: true }, (socket) => { socket.send('{"from":"the host"}') })
      await listen(app)
      t.match(await (await subscribe(t, app, `${prefix}/chat`)).next(), { from: 'the host' })
      t.match(await (await subscribe(t, app, `${prefix}/room?since=now`)).next(), { event: 'subscribed' })
    }
  })
})

t.test('a host without another WebSocket server', async (t) => {
  t.test('answers upgrades outside the prefix as if they were none, and keeps the connection', async (t) => {
    const app = createHost(t)
    await register(app)
    app.get('/hello', async () => await Promise.resolve('hello'))
    await listen(app)
    const connection = await connectRaw(t, app)
    for (let round = 0; round < 2; round++) {
      connection.write(upgradeRequest('/hello'))
      t.match(await connection.readHead(), /^HTTP\/1\.1 200 /)
      t.equal((await connection.readBytes(5)).toString(), 'hello')
    }
  })

  t.test('answers them below a messenger without a prefix, too, at paths that are no channel', async (t) => {
    const app = createHost(t)
    await register(app, '')
    app.get('/hello/world', async () => await Promise.resolve('hello'))
    await listen(app)
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/hello/world'))
    t.match(await connection.readHead(), /^HTTP\/1\.1 200 /)
    t.equal((await connection.readBytes(5)).toString(), 'hello')
  })

  t.test('reads the prefix as its router does', async (t) => {
    const app = createHost(t, { routerOptions: { caseSensitive: false, ignoreDuplicateSlashes: true } })
    await register(app)
    await listen(app)
    for (const path of ['/RT/room?since=now', '//rt//room?since=now', '/%72t/room?since=now']) {
      const subscription = new Subscription(`ws://127.0.0.1:${port(app)}${path}`)
      t.teardown(() => { subscription.socket.terminate() })
      t.match(await subscription.next(), { event: 'subscribed' }, path)
    }
  })
})
