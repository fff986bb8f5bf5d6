import { once } from 'node:events'
import { connect } from 'node:tls'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import messenger from '../../src/index.js'
import { ask, countConnections, createHost, port, startHost, startService, TOKEN } from '../helper.js'
import { connectRaw, RawConnection, upgradeRequest } from '../sockets.js'
import { eventually } from '../eventually.js'

const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'

/** A request that asks for h2c, as `curl --http2` sends it. */
function h2c (method: string, path: string, body = ''): string {
  const headers = method === 'GET' ? '' : `Authorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`
  return `${method} ${path} HTTP/1.1\r\nHost: test\r\n${headers}${H2C}\r\n${body}`
}

/** Reads a response of known length: its status and body. */
async function readAnswer (connection: RawConnection): Promise<[status: number, body: string]> {
  const head = await connection.readHead()
  const body = await connection.readBytes(Number(/content-length: (\d+)/i.exec(head)?.[1]))
  return [Number(head.split(' ')[1]), body.toString()]
}

/** A host with a route whose answers wait until they are released. */
async function startSlow (
  t: Test, options: FastifyServerOptions = {}
): Promise<{ app: FastifyInstance, asked: Promise<void>, release: (connection?: string) => void }> {
  const app = createHost(t, options)
  await app.register(messenger, { prefix: '/rt', token: TOKEN, upgradeTimeoutMs: 100 })
  let release: (connection?: string) => void = () => {}
  let ask: () => void = () => {}
  const asked = new Promise<void>((resolve) => { ask = resolve })
  const released = new Promise<string | undefined>((resolve) => { release = resolve })
  app.get('/slow', async (_request, reply) => {
    ask()
    const connection = await released
    if (connection !== undefined) reply.header('connection', connection)
    return 'slow'
  })
  app.get('/headers', async ({ headers, raw: { httpVersion } }) => await Promise.resolve({ ...headers, httpVersion }))
  app.post('/body', async ({ body }) => await Promise.resolve({ body }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, asked, release }
}

t.test('a request that asks for an upgrade to something else than a WebSocket', async (t) => {
  t.test('is answered as if it did not, whether its body comes at once or later, and the connection stays', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    for (let round = 1; round <= 3; round++) {
      connection.write(h2c('GET', '/room'))
      t.match(await readAnswer(connection), [200, `:${2 * (round - 1)}","recovered":true}`])
      connection.write(h2c('POST', '/send/room', '{"message":1}'))
      t.match(await readAnswer(connection), [200, `:${2 * round - 1}","subscribers":0}`])
      const [, start = '', rest = ''] = /^(.*mess)(age.*)$/s.exec(h2c('POST', '/send/room', '{"message":2}')) ?? []
      connection.write(start)
      // Answered on another connection, so that the first part has been read.
      await ask(app, '/-/live')
      connection.write(rest)
      t.match(await readAnswer(connection), [200, `:${2 * round}","subscribers":0}`])
    }
    connection.write('GET /-/live HTTP/1.1\r\nHost: test\r\n\r\n')
    t.same(await readAnswer(connection), [200, '{"status":"live"}'])
    t.equal(await countConnections(app), 1)
  })

  t.test('gets a stream if it asks for one', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    connection.write(h2c('GET', '/room').replace('Host', 'Accept: application/x-ndjson\r\nHost'))
    t.match(await connection.readHead(), /^HTTP\/1.1 200 [^]*ndjson/)
    await app.channels.publish('room', 'hello')
    await eventually(() => connection.unread > 100)
    t.match((await connection.readBytes(connection.unread)).toString(), /"event":"subscribed"[^]*"message":"hello"/)
    connection.socket.destroy()
    await eventually(async () => await countConnections(app) === 0)
    await eventually(() => app.channels.subscriberCount('room') === 0)
  })

  t.test('takes its turn among pipelined ones', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    const live = 'GET /-/live HTTP/1.1\r\nHost: test\r\n\r\n'
    connection.write([h2c('POST', '/send/room', '{"message":1}'), live, h2c('GET', '/room?wait=60'), h2c('POST', '/send/room', '{"message":3}'), live, h2c('GET', '/room')].join(''))
    t.match(await readAnswer(connection), [200, ':1","subscribers":0}'])
    t.match(await readAnswer(connection), [200, 'live'])
    await eventually(() => app.channels.subscriberCount('room') === 1)
    await app.channels.publish('room', 2)
    t.match(await readAnswer(connection), [200, '"message":2,'])
    t.match(await readAnswer(connection), [200, ':3","subscribers":0}'])
    t.match(await readAnswer(connection), [200, 'live'])
    t.match(await readAnswer(connection), [200, ':3","recovered":true'])
  })

  t.test('waits for the answer before it however long that takes, and is dropped with the connection', async (t) => {
    const { app, asked, release } = await startSlow(t)
    const slow = 'GET /slow HTTP/1.1\r\nHost: test\r\n\r\n'
    const [waiting, gone] = [await connectRaw(t, app), await connectRaw(t, app)]
    for (const connection of [waiting, gone]) connection.write(slow + h2c('GET', '/headers'))
    await asked
    gone.socket.resetAndDestroy()
    await eventually(async () => await countConnections(app) === 1)
    // Longer than a request to upgrade may take.
    const other = await connectRaw(t, app)
    other.write(upgradeRequest('/rt/%zz'))
    await other.closed
    release()
    t.same(await readAnswer(waiting), [200, 'slow'])
    t.match(await readAnswer(waiting), [200, '"connection":"HTTP2-Settings"'])
  })

  t.test('is not answered behind an answer that ends the connection', async (t) => {
    const { app, asked, release } = await startSlow(t)
    const connection = await connectRaw(t, app)
    connection.write(`GET /slow HTTP/1.1\r\nHost: test\r\n\r\n${h2c('GET', '/headers')}`)
    await asked
    release('close')
    t.same(await readAnswer(connection), [200, 'slow'])
    await connection.closed
    t.equal(connection.unread, 0)
  })

  t.test('keeps everything but the wish, byte for byte', async (t) => {
    const { app } = await startSlow(t)
    const connection = await connectRaw(t, app)
    connection.write(Buffer.from(`GET /headers?x=%20 HTTP/1.1\r\nHost:test\r\nX:  a\xe9 \r\nX: b\r\nConnection: upgrade ,Keep-Alive\r\nUpgrade: a, b\r\n\r\n`, 'latin1'))
    t.same(JSON.parse((await readAnswer(connection))[1]), { host: 'test', x: 'a\xe9, b', connection: 'Keep-Alive', httpVersion: '1.1' })
    connection.write('POST /body HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
    t.same(await readAnswer(connection), [200, '{"body":"abc"}'])
  })

  t.test('has too many headers when not all of them are known', async (t) => {
    const app = await startHost(t)
    app.server.maxHeadersCount = 50
    for (const [count, status] of [[20, 200], [200, 431]] as const) {
      const connection = await connectRaw(t, app)
      connection.write(h2c('GET', '/room').replace('Host', `${'A:b\r\n'.repeat(count)}Host`))
      t.match(await connection.readHead(), `HTTP/1.1 ${status} `)
      connection.socket.destroy()
    }
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('is answered over TLS, too', async (t) => {
    const psk = { psk: Buffer.from('a key that both know'), identity: 'test' }
    const { app } = await startSlow(t, { https: { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => psk.psk } } as unknown as FastifyServerOptions)
    const socket = connect({ port: port(app), host: '127.0.0.1', ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => psk, checkServerIdentity: () => undefined })
    t.teardown(() => { socket.destroy() })
    await once(socket, 'secureConnect')
    const connection = new RawConnection(socket)
    for (let round = 0; round < 2; round++) {
      connection.write(h2c('GET', '/headers'))
      t.match(JSON.parse((await readAnswer(connection))[1]), { connection: 'HTTP2-Settings', host: 'test' })
    }
  })

  t.test('is no new connection for listeners of the host', async (t) => {
    const app = await startService(t)
    let connections = 0
    app.server.prependListener('connection', () => { connections++ })
    const connection = await connectRaw(t, app)
    for (let round = 0; round < 3; round++) {
      connection.write(h2c('GET', '/room'))
      t.equal((await readAnswer(connection))[0], 200)
    }
    t.equal(connections, 1)
  })

  t.test('is left to a listener of the host for upgrades', async (t) => {
    const app = await startHost(t, { prefix: '/rt' })
    app.server.on('upgrade', ({ headers }, socket) => { if (headers.upgrade === 'echo') socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\necho') })
    const connection = await connectRaw(t, app)
    connection.write('GET /echo HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    await connection.closed
    t.match((await connection.readBytes(connection.unread)).toString(), '101')
  })
})

t.test('a request to upgrade to a WebSocket', async (t) => {
  t.test('that cannot lead there is answered as if it were none', async (t) => {
    const app = await startService(t)
    for (const [from, to, status] of [['HTTP/1.1', 'HTTP/1.0', 200], ['GET /room', 'POST /room', 405], ['websocket', 'websocket2', 200]] as const) {
      const connection = await connectRaw(t, app)
      connection.write(upgradeRequest('/room').replace(from, to))
      t.match((await readAnswer(connection))[0], status, to)
    }
  })

  t.test('that is not as it must be is told the version that is taken', async (t) => {
    const app = await startService(t)
    for (const [part, instead] of [['Version: 13', 'Version: 12'], [/Sec-WebSocket-Version.*\r\n/, ''], [/Key: .*/, 'Key: short'], ['Version: 13', 'Version: 13\r\nSec-WebSocket-Protocol: a,,b']] as const) {
      const connection = await connectRaw(t, app)
      connection.write(upgradeRequest('/room').replace(part, instead))
      const head = await connection.readHead()
      t.match(head, /^HTTP\/1\.1 426 Upgrade Required\r\n[^]*Upgrade: websocket\r\nSec-WebSocket-Version: 13/, instead)
      t.match(JSON.parse((await connection.readBytes(Number(/content-length: (\d+)/i.exec(head)?.[1]))).toString()), { statusCode: 426, code: 'MSG_ERR_UPGRADE_INVALID' })
      await connection.closed
    }
    await eventually(async () => await countConnections(app) === 0)
  })
})
