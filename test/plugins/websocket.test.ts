import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import messenger from '../../src/index.js'
import { countConnections, createHost, startHost, TOKEN } from '../helper.js'
import { connectRaw, type RawConnection, subscribe, upgradeRequest } from '../sockets.js'
import { eventually } from '../eventually.js'

const COUNT = 20
const NEVER_MS = 600_000

/** Requests of upgrades that are answered with `status`, by clients that then do nothing more. */
async function refusedUpgrades (t: Test, app: FastifyInstance, path: string, status: number): Promise<RawConnection[]> {
  return await Promise.all(Array.from({ length: COUNT }, async () => {
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest(path))
    t.match(await connection.readHead(), new RegExp(`^HTTP/1.1 ${status} `))
    return connection
  }))
}

/** A host that answers every request before the hooks of the messenger run. */
async function startGuardedHost (t: Test, upgradeTimeoutMs: number): Promise<FastifyInstance> {
  const app = createHost(t)
  app.addHook('onRequest', async (_request, reply) => await reply.code(401).send({ own: 'answer' }))
  await app.register(messenger, { token: TOKEN, upgradeTimeoutMs })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

t.test('a request to upgrade that is refused', async (t) => {
  t.test('holds no connection when its URL is malformed', async (t) => {
    const app = await startHost(t, { upgradeTimeoutMs: 100 })
    await refusedUpgrades(t, app, '/%E0%A4%A', 400)
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('holds no connection when the name is longer than the router of the host allows', async (t) => {
    const app = await startHost(t, { upgradeTimeoutMs: 100 })
    await refusedUpgrades(t, app, `/${'a'.repeat(101)}`, 414)
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('holds no connection when an earlier hook of the host answers it', async (t) => {
    const app = await startGuardedHost(t, 100)
    await refusedUpgrades(t, app, '/room', 401)
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('holds no connection when it is never answered', async (t) => {
    const app = createHost(t)
    app.addHook('onRequest', () => {})
    await app.register(messenger, { token: TOKEN, upgradeTimeoutMs: 100 })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/room'))
    await connection.closed
    t.equal(await countConnections(app), 0)
  })

  t.test('ends its connection with the answer', async (t) => {
    const open = await startHost(t, { upgradeTimeoutMs: NEVER_MS })
    for (const [app, status] of [[open, 400], [await startGuardedHost(t, NEVER_MS), 401]] as const) {
      for (const connection of await refusedUpgrades(t, app, status === 400 ? '/%E0%A4%A' : '/room', status)) await connection.closed
    }
  })

  t.test('does not delay close while it is not answered', async (t) => {
    const app = createHost(t)
    app.addHook('onRequest', () => {})
    await app.register(messenger, { token: TOKEN, upgradeTimeoutMs: NEVER_MS })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/room'))
    await eventually(async () => await countConnections(app) === 1)
    await app.close()
    await connection.closed
  })
})

t.test('a request to upgrade that a host fails to take', async (t) => {
  t.test('ends its own connection and is logged, when the host throws before the router', async (t) => {
    const logged: string[] = []
    const app = createHost(t, {
      logger: { level: 'error', stream: { write: (line) => { logged.push(line) } } },
      rewriteUrl: ({ url = '' }) => {
        if (url === '/broken') throw new Error('nobody foresaw this')
        return url
      }
    })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/broken'))
    await connection.closed
    t.match(logged, [/nobody foresaw this.*stack/])
    await subscribe(t, app, '/room')
  })

  t.test('ends nothing but its connection when that fails before it is answered', async (t) => {
    const app = createHost(t)
    app.addHook('onRequest', ({ url, raw: { socket } }, _reply, done) => {
      if (url === '/lost') socket.destroy(new Error('lost'))
      else done()
    })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/lost'))
    await connection.closed
    await subscribe(t, app, '/room')
  })
})

t.test('a WebSocket', async (t) => {
  t.test('lives on after the time that a request to upgrade may take', async (t) => {
    const app = await startHost(t, { upgradeTimeoutMs: 100, pingIntervalMs: 100 })
    const subscription = await subscribe(t, app, '/room')
    for (let pings = 0; pings < 4; pings++) await new Promise((resolve) => { subscription.socket.once('ping', resolve) })
    await app.channels.publish('room', 'hello')
    t.match(await subscription.next(), { message: 'hello' })
  })

  t.test('lives on after that time also when it was injected', async (t) => {
    const app = createHost(t)
    await app.register(websocket)
    await app.register(messenger, { token: TOKEN, upgradeTimeoutMs: 100, pingIntervalMs: 100 })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = await app.injectWS('/room')
    let closed = false
    socket.on('close', () => { closed = true })
    const other = await subscribe(t, app, '/room')
    for (let pings = 0; pings < 4; pings++) await new Promise((resolve) => { other.socket.once('ping', resolve) })
    t.equal(closed, false)
    socket.terminate()
  })

  t.test('of a scope that has @fastify/websocket for itself lives on after that time, too', async (t) => {
    const app = createHost(t)
    await app.register(async (scope) => {
      await scope.register(websocket)
      scope.get('/echo', { websocket: true }, (socket) => { socket.on('message', (data: Buffer) => { socket.send(data.toString()) }) })
    })
    await app.register(messenger, { prefix: '/rt', token: TOKEN, upgradeTimeoutMs: 100, pingIntervalMs: 100 })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const [echo, subscription] = [await subscribe(t, app, '/echo'), await subscribe(t, app, '/rt/room')]
    for (let pings = 0; pings < 4; pings++) await new Promise((resolve) => { subscription.socket.once('ping', resolve) })
    echo.socket.send('hello')
    t.equal(await echo.nextText(), 'hello')
  })

})
