import type { Socket } from 'node:net'
import t from 'tap'
import { eventually, turn } from '../eventually.js'
import { Opcode } from '../frames.js'
import { ask, assertError, countConnections, publish, publishHeaders, startHost, startService } from '../helper.js'
import { connectRaw, subscribe, upgradeRaw, upgradeRequest } from '../sockets.js'
import { LINES, stream } from '../streams.js'
import { SECRET } from '../tokens.js'

/** Frames of a flood. */
const FLOOD = 1_000

t.test('attacks that exhaust resources', async (t) => {
  t.test('refused upgrades leave no connection open', async (t) => {
    const app = await startHost(t, { prefix: '/rt', upgradeTimeoutMs: 100, tokenSecret: SECRET })
    const refused = ['/%E0%A4%A', `/${'x'.repeat(300)}`, '/a/b', '/-/live', '/-/limits', '/room', '/client.js', '/room?since=x', `/room?${'x'.repeat(9_000)}`, '/room?token=a.b.c'].map((path) => `/rt${path}`)
    const attempts = refused.flatMap((path) => [upgradeRequest(path), upgradeRequest(path).replace(/Sec-WebSocket-Key.*/, 'Sec-WebSocket-Key: no'), upgradeRequest(path).replace('Version: 13', 'Version: 99')])
    await Promise.all(attempts.map(async (request) => {
      const connection = await connectRaw(t, app)
      connection.write(request)
      // After a close frame the server waits for the answer; an attacker sends none.
      if (!(await connection.readHead().catch(() => '')).includes(' 101 ')) await connection.closed
      else connection.socket.destroy()
    }))
    await eventually(async () => await countConnections(app) === 0)
    t.equal((await ask(app, '/rt/-/limits', { headers: publishHeaders() })).body['connections'], 0)
  })

  t.test('the number of occupied channels is bounded', async (t) => {
    const app = await startService(t, { MAX_CHANNELS: '3' })
    for (const name of ['a', 'b', 'c']) await subscribe(t, app, `/${name}`)
    await t.rejects(subscribe(t, app, '/d'), /503/)
    assertError(t, await ask(app, '/d', { headers: { accept: LINES } }), 503, 'MSG_ERR_FULL')
    assertError(t, await ask(app, '/d?wait=1'), 503, 'MSG_ERR_FULL')
    await subscribe(t, app, '/a')
    t.same([...app.channels], ['a', 'b', 'c'])
    t.equal(app.channels.limits.get('maxChannels'), 3)
  })

  t.test('messages to many channels stay within the limit of the history', async (t) => {
    const app = await startService(t, { HISTORY_MAX_BYTES: '20000' })
    for (let number = 0; number < 300; number += 100) {
      const channels = Array.from({ length: 100 }, (_, index) => `c${number + index}`)
      await ask(app, '/send', { method: 'POST', headers: publishHeaders(), body: JSON.stringify({ channels, message: 'x'.repeat(500) }) })
    }
    const kept = await Promise.all(Array.from({ length: 300 }, async (_, index) => ((await ask(app, `/c${index}`)).body['messages'] as unknown[]).length))
    t.ok(kept.filter(Boolean).length < 25, String(kept.filter(Boolean).length))
    t.equal(kept.at(-1), 1)
  })

  t.test('idempotency keys are refused above their limit, and earlier ones are kept', async (t) => {
    const app = await startService(t, { MAX_PUBLISHES_PER_SECOND: '10000000' })
    const post = (entries: object[]) => ask(app, '/send', { method: 'POST', headers: publishHeaders(), body: JSON.stringify({ messages: entries }) })
    await post([{ channel: 'room', message: 1, idempotencyKey: 'first' }])
    const padding = 'x'.repeat(230)
    let refused = 0
    for (let batch = 0; refused === 0 && batch < 200; batch++) {
      const { body } = await post(Array.from({ length: 1_000 }, (_, index) => ({ channel: 'room', message: 1, idempotencyKey: `${padding}${batch * 1_000 + index}` })))
      refused = (body['results'] as { error?: { code: string } }[]).filter(({ error }) => error?.code === 'MSG_ERR_IDEMPOTENCY_FULL').length
    }
    t.ok(refused > 0, 'there is a bound')
    t.match((await post([{ channel: 'room', message: 1, idempotencyKey: 'first' }])).body, { results: [{ id: /:1$/, duplicate: true }] })
    t.equal((await publish(app, 'room', 'without a key')).status, 200)
  })

  t.test('a publish whose body arrives byte by byte is answered with 408', async (t) => {
    const app = await startService(t, { REQUEST_TIMEOUT: '1' })
    const connection = await connectRaw(t, app)
    connection.write(`POST /send/room HTTP/1.1\r\nHost: test\r\nAuthorization: ${publishHeaders().authorization as string}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`)
    const drops = setInterval(() => { connection.write(' ') }, 50)
    t.teardown(() => { clearInterval(drops) })
    t.match(await connection.readHead(), /^HTTP\/1.1 408 /)
    await connection.closed
    clearInterval(drops)
    t.equal(app.channels.limits.get('requestTimeoutMs'), 1)
  })

  t.test('an upgrade whose headers arrive byte by byte is answered with 408', async (t) => {
    const app = await startService(t, { REQUEST_TIMEOUT: '1' })
    const connection = await connectRaw(t, app)
    const text = upgradeRequest('/room')
    let at = 0
    const drops = setInterval(() => { connection.write(text.slice(at, at += 1)) }, 50)
    t.teardown(() => { clearInterval(drops) })
    t.match(await connection.readHead(), /^HTTP\/1.1 408 /)
    await connection.closed
    clearInterval(drops)
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('a flood closes its connection at once, however long it is until the next ping', async (t) => {
    const app = await startHost(t, { maxReceivedBytes: 10_000, pingIntervalMs: 3_600_000 })
    const connection = await upgradeRaw(t, app, '/room')
    for (let frame = 0; frame < FLOOD; frame++) connection.writeFrame(Opcode.TEXT, 'x'.repeat(100))
    const { opcode, payload } = await connection.readFrame()
    t.equal(opcode, Opcode.CLOSE)
    t.equal(payload.readUInt16BE(0), 1008)
    t.same([...app.channels], [])
    t.equal(app.channels.limits.get('maxReceivedBytes'), 1)
    connection.socket.destroy()
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('a flood closes its connection also while `authorize` runs', async (t) => {
    let decide: (allowed: boolean) => void = () => undefined
    const app = await startHost(t, {
      maxReceivedBytes: 10_000, authorize: async () => await new Promise<boolean>((resolve) => { decide = resolve })
    })
    const connection = await upgradeRaw(t, app, '/room')
    for (let frame = 0; frame < FLOOD; frame++) connection.writeFrame(Opcode.TEXT, 'x'.repeat(100))
    const { opcode, payload } = await connection.readFrame()
    t.equal(opcode, Opcode.CLOSE)
    t.equal(payload.readUInt16BE(0), 1008)
    decide(true)
    connection.socket.destroy()
    await eventually(async () => await countConnections(app) === 0)
    t.same([...app.channels], [])
  })

  t.test('a flood of pings whose answers are not read does not pile up answers', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 3_600_000 })
    const accepted: Socket[] = []
    app.server.on('connection', (socket) => { accepted.push(socket) })
    const connection = await upgradeRaw(t, app, '/room')
    connection.socket.pause()
    let unsent = 0
    for (let frame = 0; frame < 20 * FLOOD && connection.socket.writable; frame++) {
      connection.writeFrame(Opcode.PING, 'x'.repeat(120))
      if (frame % FLOOD === 0) await turn()
      unsent = Math.max(unsent, accepted[0]?.writableLength ?? 0)
    }
    t.ok(unsent < 262_144, `${unsent} bytes`)
    connection.socket.destroy()
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('the connections of one address leave room for others', async (t) => {
    const app = await startService(t, { MAX_CONNECTIONS_PER_ADDRESS: '2', TRUST_PROXY: 'loopback' })
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    for (const address of ['192.0.2.1', '192.0.2.1', '2001:db8::1', '2001:db8::2']) await subscribe(t, app, '/room', from(address))
    for (const address of ['192.0.2.1', '2001:db8:0:0:ffff::3', '6.6.6.6, 192.0.2.1']) {
      await t.rejects(subscribe(t, app, '/room', from(address)), /429/, address)
      assertError(t, await ask(app, '/room', { headers: { accept: LINES, 'x-forwarded-for': address } }), 429, 'MSG_ERR_ADDRESS_FULL', address)
    }
    await subscribe(t, app, '/room', from('192.0.2.2'))
    const other = await subscribe(t, app, '/room', from('2001:db8:0:1::1'))
    await other.end()
    await eventually(() => app.channels.subscriberCount('room') === 5, { message: 'four' })
    await stream(t, app, '/room', LINES, { 'x-forwarded-for': '2001:db8:0:1::1' })
  })
})
