import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { LimitName } from '../../src/limits/limit-counters.js'
import { maskedFrame, Opcode } from '../frames.js'
import messenger from '../../src/index.js'
import { ask, assertError, createHost, countConnections, post, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { connectRaw, type RawConnection, subscribe, upgradeRaw, upgradeRequest } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { eventually } from '../eventually.js'

/** The same limit in a service and in a host. */
const KINDS: [name: string, start: (t: Test, limits: Record<string, number>) => Promise<FastifyInstance>][] = [
  ['a service', async (t, limits) => await startService(t, Object.fromEntries(Object.entries(limits).map(([option, value]) => [option.replaceAll(/[A-Z]/g, '_$&').toUpperCase(), String(value)])))],
  ['a host', async (t, limits) => await startHost(t, { prefix: '', ...limits })]
]

/** How often a limit was hit, as the operator and as the host see it. */
async function assertHits (t: Test, app: FastifyInstance, name: LimitName, count: number): Promise<void> {
  t.equal(app.channels.limits.get(name), count, name)
  t.match((await ask(app, '/-/limits', { headers: publishHeaders() })).body, { hits: { [name]: count } })
}

async function connections (app: FastifyInstance): Promise<unknown> {
  return (await ask(app, '/-/limits', { headers: publishHeaders() })).body['connections']
}

async function emptied (app: FastifyInstance): Promise<void> {
  await eventually(async () => await connections(app) === 0)
}

/** The status and the code of the answer to a request to upgrade. */
async function upgradeAnswer (t: Test, app: FastifyInstance, path: string): Promise<string> {
  const connection = await connectRaw(t, app)
  connection.write(upgradeRequest(path))
  return (await connection.readHead()).split(' ')[1] as string
}

for (const [kind, start] of KINDS) {
  t.test(`the limits of ${kind}`, async (t) => {
    t.test('bound the number of connections on every transport, and refuse before the handshake', async (t) => {
      const app = await start(t, { maxConnections: 3 })
      const subscription = await subscribe(t, app, '/room')
      await stream(t, app, '/room', EVENT_STREAM)
      const poll = ask(app, '/room?since=now&wait=60')
      await eventually(() => app.channels.subscriberCount('room') === 3)
      t.equal(await upgradeAnswer(t, app, '/room'), '503')
      for (const path of ['/room', '/room?since=now&wait=60']) {
        const answer = await ask(app, path, { headers: { accept: path === '/room' ? LINES : '*/*' } })
        assertError(t, answer, 503, 'MSG_ERR_FULL')
        t.ok(answer.headers['retry-after'])
      }
      await assertHits(t, app, 'maxConnections', 3)
      t.equal((await ask(app, '/room')).status, 200, 'what is answered at once takes no place')
      await subscription.end()
      await eventually(async () => await connections(app) === 2)
      await subscribe(t, app, '/room')
      await app.channels.publish('room', 1)
      t.equal((await poll).status, 200)
    })

    t.test('bound the number of connections of an address', async (t) => {
      const app = await start(t, { maxConnectionsPerAddress: 2 })
      await subscribe(t, app, '/a')
      await stream(t, app, '/b', LINES)
      t.equal(await upgradeAnswer(t, app, '/room'), '429')
      assertError(t, await ask(app, '/room', { headers: { accept: EVENT_STREAM } }), 429, 'MSG_ERR_ADDRESS_FULL')
      await assertHits(t, app, 'maxConnectionsPerAddress', 2)
    })

    t.test('bound the number of occupied channels', async (t) => {
      const app = await start(t, { maxChannels: 1 })
      const subscription = await subscribe(t, app, '/a')
      await stream(t, app, '/a', LINES)
      t.equal(await upgradeAnswer(t, app, '/b'), '503')
      for (const path of ['/b', '/b?since=now&wait=60']) assertError(t, await ask(app, path, { headers: { accept: path === '/b' ? LINES : '*/*' } }), 503, 'MSG_ERR_FULL')
      await assertHits(t, app, 'maxChannels', 3)
      t.equal((await post(app, '/send/b', { message: 1 })).status, 200, 'publishing occupies none')
      await subscription.end()
    })

    t.test('bound how often an address subscribes or reads', async (t) => {
      const app = await start(t, { maxSubscribesPerSecond: 2 })
      await subscribe(t, app, '/room')
      t.equal((await ask(app, '/room')).status, 200)
      const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask(app, '/room')).status))
      t.ok(statuses.filter((status) => status === 429).length >= 10)
      t.ok(app.channels.limits.get('maxSubscribesPerSecond') >= 10)
    })

    t.test('bound the length of the URL', async (t) => {
      const app = await start(t, { maxUrlBytes: 256 })
      const path = `/room?${'x'.repeat(250)}`
      t.equal((await ask(app, path)).status, 200)
      assertError(t, await ask(app, `${path}x`), 414, 'MSG_ERR_URL_TOO_LONG')
      t.equal(await upgradeAnswer(t, app, `${path}x`), '414')
      await assertHits(t, app, 'maxUrlBytes', 2)
    })

    t.test('bound the size of a message', async (t) => {
      const app = await start(t, { maxMessageBytes: 10 })
      t.equal((await post(app, '/send/room', { message: 'x'.repeat(8) })).status, 200)
      assertError(t, await post(app, '/send/room', { message: 'x'.repeat(9) }), 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
      assertError(t, await post(app, '/send/room', { message: 'x'.repeat(9_000) }), 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
      await assertHits(t, app, 'maxMessageBytes', 2)
    })

    t.test('bound the bytes that a subscriber may send', async (t) => {
      const app = await start(t, { maxReceivedBytes: 1_024 })
      const connection = await upgradeRaw(t, app, '/room')
      for (let count = 0; count < 3; count++) connection.writeFrame(Opcode.TEXT, 'x'.repeat(500))
      const { opcode, payload } = await connection.readFrame()
      t.strictSame([opcode, payload.readUInt16BE(0), payload.toString('utf8', 2)], [Opcode.CLOSE, 1008, 'sends too much'])
      await assertHits(t, app, 'maxReceivedBytes', 1)
    })

    t.test('bound the bytes that are buffered for a subscriber', async (t) => {
      const app = await start(t, { maxBufferedBytes: 1_000 })
      const { socket } = await upgradeRaw(t, app, '/room')
      socket.pause()
      await eventually(async () => { await app.channels.publish('room', 'x'.repeat(50_000)); return app.channels.subscriberCount('room') === 0 })
      await assertHits(t, app, 'maxBufferedBytes', 1)
    })
  })
}

t.test('addresses', async (t) => {
  t.test('are those that a trusted proxy tells, networks of IPv6 as one', async (t) => {
    const app = await startService(t, { TRUST_PROXY: 'loopback', MAX_CONNECTIONS_PER_ADDRESS: '1' })
    const from = (address: string): { headers: Record<string, string> } => ({ headers: { 'x-forwarded-for': address } })
    for (const address of ['10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8:0:1::1']) await subscribe(t, app, '/room', from(address))
    for (const address of ['10.0.0.1', '2001:db8::2', '1.2.3.4, 10.0.0.2']) assertError(t, await ask(app, '/room', { headers: { accept: LINES, ...from(address).headers } }), 429, 'MSG_ERR_ADDRESS_FULL', address)
  })

  t.test('are those of the connections where no proxy is trusted; that one is there is said once', async (t) => {
    const app = await startService(t, { MAX_CONNECTIONS_PER_ADDRESS: '1' })
    const warnings: unknown[] = []
    t.intercept(app.log, 'warn', { value: (text: unknown) => { warnings.push(text) } })
    await subscribe(t, app, '/room')
    t.equal(warnings.length, 0)
    for (let count = 0; count < 3; count++) assertError(t, await ask(app, '/room', { headers: { accept: LINES, 'x-forwarded-for': `10.0.0.${count}` } }), 429, 'MSG_ERR_ADDRESS_FULL')
    t.match(warnings, [/TRUST_PROXY/])
    const trusting = await startService(t, { TRUST_PROXY: 'loopback' })
    t.intercept(trusting.log, 'warn', { value: (text: unknown) => { warnings.push(text) } })
    await ask(trusting, '/room', { headers: { 'x-forwarded-for': '10.0.0.1' } })
    t.equal(warnings.length, 1)
  })
})

t.test('a place is given back', async (t) => {
  t.test('when a subscriber leaves by a close handshake or by a reset', async (t) => {
    const app = await startHost(t)
    await (await subscribe(t, app, '/room')).end()
    await emptied(app)
    const { socket } = await upgradeRaw(t, app, '/room')
    t.equal(await connections(app), 1)
    socket.resetAndDestroy()
    await emptied(app)
  })

  t.test('when a stream is cut, or a poll is abandoned or answered', async (t) => {
    const app = await startHost(t)
    const { response } = await stream(t, app, '/room', LINES)
    t.equal(await connections(app), 1)
    response.destroy()
    await emptied(app)
    const abandoned = await connectRaw(t, app)
    abandoned.write('GET /room?since=now&wait=60 HTTP/1.1\r\nHost: test\r\n\r\n')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    abandoned.socket.resetAndDestroy()
    await emptied(app)
    const poll = ask(app, '/room?since=now&wait=60')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    await app.channels.publish('room', 1)
    t.equal((await poll).status, 200)
    t.equal(await connections(app), 0)
  })

  t.test('when a subscriber is refused after the handshake, or leaves while the host is asked', async (t) => {
    let answer: (yes: boolean) => void = () => undefined
    const app = await startHost(t, { authorize: async (_request, channel) => channel === 'room' && await new Promise<boolean>((resolve) => { answer = resolve }) })
    t.match(await (await subscribe(t, app, '/other')).closed, { code: 4403 })
    await emptied(app)
    const { socket } = await subscribe(t, app, '/room')
    t.equal(await connections(app), 1)
    socket.terminate()
    await emptied(app)
    answer(true)
    t.equal(await connections(app), 0)
    t.equal(app.channels.subscriberCount('room'), 0)
  })

  t.test('when ws itself refuses the handshake', async (t) => {
    const app = await startHost(t)
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/room').replace(/Sec-WebSocket-Key: .*/, 'Sec-WebSocket-Key: bad'))
    t.match(await connection.readHead(), /^HTTP\/1.1 426 /)
    await connection.closed
    t.equal(await connections(app), 0)
    t.equal(await countConnections(app), 0)
  })

  t.test('when the channel or the position is invalid: none was taken', async (t) => {
    const app = await startHost(t)
    for (const path of ['/-nonsense', '/room?since=nonsense']) t.match(await (await subscribe(t, app, path)).closed, { code: 1008 })
    t.equal(await connections(app), 0)
  })
})

t.test('a flood of pings from a client that never reads', async (t) => {
  const PINGS = Buffer.concat(Array<Buffer>(400).fill(maskedFrame(Opcode.PING, 'x'.repeat(125))))

  /** Floods a subscriber; gives the most that the server had to send at a time. */
  async function flood (t: Test, app: FastifyInstance): Promise<{ connection: RawConnection, mostUnsent: () => number }> {
    let most = 0
    app.server.once('connection', (socket) => { socket.on('data', () => { most = Math.max(most, socket.writableLength) }) })
    const connection = await upgradeRaw(t, app, '/room')
    connection.socket.pause()
    for (let count = 0; count < 20; count++) connection.write(PINGS)
    return { connection, mostUnsent: () => most }
  }

  t.test('ends with 1008 at once, and little waits to be sent meanwhile', async (t) => {
    const app = await startHost(t, { maxReceivedBytes: 10_000, pingIntervalMs: 86_400_000 })
    const { connection, mostUnsent } = await flood(t, app)
    await eventually(() => app.channels.limits.get('maxReceivedBytes') === 1)
    connection.socket.resume()
    let frame = await connection.readFrame()
    while (frame.opcode === Opcode.PONG) frame = await connection.readFrame()
    t.match(frame, { opcode: Opcode.CLOSE })
    t.equal(frame.payload.readUInt16BE(0), 1008)
    t.ok(mostUnsent() < 100_000, `${mostUnsent()} bytes`)
    connection.socket.destroy()
    await emptied(app)
    await assertHits(t, app, 'maxReceivedBytes', 1)
  })

  t.test('ends the connection also where more may be received', async (t) => {
    const app = await startHost(t, { maxReceivedBytes: 1e9, pingIntervalMs: 86_400_000 })
    const { mostUnsent } = await flood(t, app)
    await emptied(app)
    t.ok(mostUnsent() < 100_000, `${mostUnsent()} bytes`)
  })
})

t.test('an upgrade that takes too long', async (t) => {
  t.test('loses its connection, and is counted', async (t) => {
    const app = createHost(t)
    app.addHook('onRequest', (request, _reply, done) => { if (request.headers.upgrade === undefined) done() })
    await app.register(messenger, { token: TOKEN, upgradeTimeoutMs: 100 })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/room'))
    await connection.closed
    await assertHits(t, app, 'upgradeTimeoutMs', 1)
  })
})

t.test('a request of which the head or the body', async (t) => {
  t.test('is too large is answered with 431, and counted', async (t) => {
    const app = await startService(t, { MAX_HEADER_BYTES: '2048' })
    t.equal((await ask(app, '/room', { headers: { 'x-fill': 'x'.repeat(1_000) } })).status, 200)
    assertError(t, await ask(app, '/room', { headers: { 'x-fill': 'x'.repeat(3_000) } }), 431, 'MSG_ERR_HEADERS_TOO_LARGE')
    await assertHits(t, app, 'maxHeaderBytes', 1)
  })

  t.test('takes too long to arrive is answered with 408, and counted', async (t) => {
    const app = await startService(t, { REQUEST_TIMEOUT: '1' })
    const [head, body] = [await connectRaw(t, app), await connectRaw(t, app)]
    head.write('GET /room HTTP/1.1\r\n')
    body.write(`POST /send/room HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"message":`)
    for (const connection of [head, body]) {
      t.match(await connection.readHead(), /^HTTP\/1.1 408 Request Timeout\r\nContent-Type: application\/json/)
      await connection.closed
    }
    await assertHits(t, app, 'requestTimeoutMs', 2)
    t.match((await ask(app, '/room')).body, { messages: [] })
  })

  t.test('is not HTTP is answered with 400', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    connection.write('nonsense\r\n\r\n')
    t.match(await connection.readHead(), /^HTTP\/1.1 400 Bad Request\r\n/)
    await connection.closed
  })

  t.test('breaks off in the middle of an answer is not answered a second time', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    connection.write(`GET /room HTTP/1.1\r\nHost: test\r\nAccept: ${LINES}\r\n\r\n`)
    t.match(await connection.readHead(), /^HTTP\/1.1 200 /)
    connection.write('nonsense\r\n\r\n')
    await once(connection.socket, 'close')
    await emptied(app)
  })
})
