import t from 'tap'
import { eventually } from '../eventually.js'
import messenger from '../../src/index.js'
import { ask, assertError, countConnections, createHost, publish, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { connectRaw, subscribe, upgradeRequest } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'

const get = (path: string, accept = 'application/json'): string => `GET ${path} HTTP/1.1\r\nHost: test\r\nAccept: ${accept}\r\n\r\n`

async function places (app: Parameters<typeof ask>[0]): Promise<unknown> {
  return (await ask(app, '/-/limits', { headers: publishHeaders() })).body['connections']
}

t.test('a connection', async (t) => {
  t.test('takes everything along that is queued on it when it ends', async (t) => {
    const app = await startService(t, { MAX_CONNECTIONS_PER_ADDRESS: '100' })
    const connection = await connectRaw(t, app)
    connection.write(get('/a?wait=60') + get('/a', EVENT_STREAM).repeat(50) + get('/a', LINES).repeat(49) + get('/client.js').repeat(20))
    await eventually(async () => (await ask(app, '/b?wait=1')).status === 429, { message: 'the address has no place left' })
    t.equal(await places(app), 1, 'what waits for its turn is no subscription')
    t.equal(app.channels.subscriberCount('a'), 1)
    connection.socket.destroy()
    await eventually(async () => await places(app) === 0 && (await ask(app, '/b')).status === 200, { message: 'all places are free' })
    t.same([...app.channels], [])
  })

  t.test('is answered in turn, each subscription beginning when the one before is over', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    connection.write(get('/a?wait=60') + get('/b?wait=60'))
    await eventually(() => app.channels.subscriberCount('a') === 1, { message: 'the first one waits' })
    t.equal(app.channels.subscriberCount('b'), 0)
    await publish(app, 'a', 1)
    await eventually(() => app.channels.subscriberCount('b') === 1, { message: 'the second one waits' })
    await publish(app, 'b', 2)
    for (const text of ['"message":1', '"message":2']) {
      const length = Number(/content-length: (\d+)/i.exec(await connection.readHead())?.[1])
      t.match((await connection.readBytes(length)).toString(), text)
    }
  })

  t.test('is ended by a request to upgrade behind one that is not answered', async (t) => {
    const app = await startHost(t)
    const connection = await connectRaw(t, app)
    connection.write(get('/a?wait=60') + upgradeRequest('/a'))
    await connection.closed
    await eventually(async () => await countConnections(app) === 0 && app.channels.subscriberCount('a') === 0, { message: 'nothing is held' })
  })

  t.test('is one of as many as an address may have, whatever it is for, and others have theirs', async (t) => {
    const app = await startService(t, { MAX_SOCKETS_PER_ADDRESS: '3' })
    const idle = await Promise.all([1, 2, 3].map(async () => await connectRaw(t, app)))
    await eventually(async () => await countConnections(app) === 3, { message: 'three are open' })
    await (await connectRaw(t, app)).closed
    t.equal(app.channels.limits.get('maxSocketsPerAddress'), 1)
    idle[0]?.socket.destroy()
    await eventually(async () => await ask(app, '/-/live').then(({ status }) => status === 200, () => false), { message: 'there is room again' })
  })

  t.test('of a proxy that is trusted is not one of its own', async (t) => {
    for (const proxy of ['loopback', '127.0.0.0/8', '127.0.0.1', 'true']) {
      const app = await startService(t, { MAX_SOCKETS_PER_ADDRESS: '1', TRUST_PROXY: proxy })
      await connectRaw(t, app)
      t.equal((await ask(app, '/-/live')).status, 200)
    }
  })

  t.test('has none when it is gone before a hook of the host\'s is done', async (t) => {
    const app = createHost(t)
    const waiting: (() => void)[] = []
    app.addHook('onRequest', async ({ url }) => { if (url.startsWith('/a')) await new Promise<void>((resolve) => { waiting.push(resolve) }) })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connections = await Promise.all([get('/a?wait=60'), get('/a', LINES)].map(async (text) => {
      const connection = await connectRaw(t, app)
      connection.write(text)
      return connection
    }))
    await eventually(() => waiting.length === 2, { message: 'both wait' })
    for (const { socket } of connections) socket.destroy()
    await eventually(async () => await countConnections(app) === 0, { message: 'both are gone' })
    for (const proceed of waiting) proceed()
    await eventually(async () => await places(app) === 0, { message: 'neither has a place' })
    t.same([...app.channels], [])
  })

  t.test('has its place while a host is asked', async (t) => {
    const asked: ((allowed: boolean) => void)[] = []
    const app = await startHost(t, {
      maxConnectionsPerAddress: 2, authorize: async () => await new Promise<boolean>((resolve) => { asked.push(resolve) })
    })
    const first = ask(app, '/a')
    const second = ask(app, '/send/a', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":1}' })
    await eventually(() => asked.length === 2, { message: 'two are asked about' })
    assertError(t, await ask(app, '/a'), 429, 'MSG_ERR_ADDRESS_FULL')
    await t.rejects(subscribe(t, app, '/a'), /429/)
    t.equal(asked.length, 2)
    for (const answer of asked) answer(true)
    t.strictSame([(await first).status, (await second).status], [200, 200])
    await eventually(() => asked.length === 2, { message: 'places are free' })
    t.equal(await places(app), 0)
  })
})

t.test('a client that does not read', async (t) => {
  t.test('has its answer cut where answers hold more than all may, and others get theirs', async (t) => {
    const app = await startService(t, { MAX_BYTES_IN_FLIGHT: String(1024 ** 2) })
    for (let number = 0; number < 100; number++) await app.channels.publish('big', 'x'.repeat(60_000))
    const lazy = await Promise.all(Array.from({ length: 20 }, async () => {
      const connection = await connectRaw(t, app)
      connection.socket.pause()
      connection.write(get('/big'))
      return connection
    }))
    await eventually(() => app.channels.limits.get('maxBytesInFlight') > 5, { message: 'some are cut' })
    const { body } = await ask(app, '/big?limit=1')
    t.equal((body['messages'] as unknown[]).length, 1)
    for (const { socket } of lazy) socket.destroy()
    await eventually(async () => await places(app) === 0, { message: 'places are free' })
    t.equal(((await ask(app, '/big')).body['messages'] as unknown[]).length, 100, 'an answer of 6 MB comes whole')
  })

  t.test('loses its connection when nothing of what is sent is taken in time', async (t) => {
    const app = await startService(t, { WRITE_TIMEOUT: '1', MAX_BUFFERED_BYTES: '1000000000' })
    for (let number = 0; number < 100; number++) await app.channels.publish('big', 'x'.repeat(60_000))
    const lazy = await Promise.all([get('/big'), get('/big?since=earliest', LINES), upgradeRequest('/big?since=earliest')].map(async (request) => {
      const connection = await connectRaw(t, app)
      connection.socket.pause()
      connection.write(request)
      return connection
    }))
    const reader = await stream(t, app, '/idle', LINES)
    await eventually(() => app.channels.limits.get('writeTimeoutMs') === lazy.length, { message: 'all are ended' })
    t.notOk(reader.response.destroyed, 'who has nothing to read stays')
    await eventually(async () => await places(app) === 1, { message: 'places are free' })
  })
})
