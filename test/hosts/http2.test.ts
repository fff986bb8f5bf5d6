import { once } from 'node:events'
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders, type SecureClientSessionOptions, type SecureServerOptions } from 'node:http2'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import messenger, { type MessengerOptions } from '../../src/index.js'
import { eventually } from '../eventually.js'
import { port, TOKEN } from '../helper.js'

const PSK = Buffer.from('a key that both sides know')
const SERVER_TLS = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => PSK } as unknown as SecureServerOptions
const CLIENT_TLS: SecureClientSessionOptions = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => ({ psk: PSK, identity: 'test' }), checkServerIdentity: () => undefined }

/** A host that speaks HTTP/2, with TLS or without. */
async function startHttp2 (
  t: Test, https?: SecureServerOptions & { allowHTTP1?: boolean }, options: MessengerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify({ http2: true, ...(https && { https }) } as object) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(messenger, { prefix: '/rt', token: TOKEN, pingIntervalMs: 200, drainMs: 1_000, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

/** Requests on one session, each with what came of its answer so far. */
function client (t: Test, app: FastifyInstance, tls = false): (
  headers: OutgoingHttpHeaders, body?: string
) => Promise<{ stream: ClientHttp2Stream, headers: IncomingHttpHeaders, text: () => string }> {
  const session = connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port(app)}`, tls ? CLIENT_TLS : {})
  session.on('error', () => undefined)
  t.teardown(() => { session.destroy() })
  return async (headers, body) => {
    const stream = session.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', () => undefined)
    const [answer] = await once(stream, 'response') as [IncomingHttpHeaders]
    return { stream, headers: answer, text: () => text }
  }
}

for (const tls of [false, true]) {
  t.test(`a host on HTTP/2 ${tls ? 'with' : 'without'} TLS`, async (t) => {
    t.test('streams, answers and polls', async (t) => {
      const app = await startHttp2(t, tls ? { ...SERVER_TLS, allowHTTP1: true } : undefined)
      const request = client(t, app, tls)
      const events = await request({ ':path': '/rt/room', accept: 'text/event-stream' })
      const lines = await request({ ':path': '/rt/room', accept: 'application/x-ndjson' })
      t.match(events.headers, { ':status': 200, 'content-type': /^text\/event-stream/ })
      const poll = request({ ':path': '/rt/room?wait=60' })
      await eventually(() => app.channels.subscriberCount('room') === 3)
      const sent = await request({ ':method': 'POST', ':path': '/rt/send/room', authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, '{"message":"hello"}')
      t.equal(sent.headers[':status'], 200)
      for (const { text } of [events, lines, await poll]) await eventually(() => text().includes('"message":"hello"'))
      const kept = await request({ ':path': '/rt/room' })
      await eventually(() => kept.text().includes('"message":"hello"'))
      for (const { stream } of [events, lines]) stream.close()
      await eventually(() => app.channels.subscriberCount('room') === 0)
    })

    t.test('breaks its streams off when it closes, after all that was acknowledged', async (t) => {
      const app = await startHttp2(t, tls ? { ...SERVER_TLS, allowHTTP1: true } : undefined)
      const { stream, text } = await client(t, app, tls)({ ':path': '/rt/room?heartbeat=1', accept: 'application/x-ndjson' })
      await app.channels.publish('room', 'last words')
      const failed = once(stream, 'error').then(() => 'cut', () => 'cut')
      const closing = app.close()
      t.equal(await failed, 'cut')
      t.match(text(), /last words[^]*"event":"close","channel"|last words[^]*"event":"close"/)
      await closing
    })
  })
}

t.test('a request of HTTP/2', async (t) => {
  t.test('is for the host that its authority names', async (t) => {
    const app = await startHttp2(t, undefined, { allowedHosts: ['127.0.0.1'] })
    const request = client(t, app)
    t.equal((await request({ ':path': '/rt/room' })).headers[':status'], 200)
    t.equal((await request({ ':path': '/rt/room', ':authority': 'elsewhere.example' })).headers[':status'], 403)
    t.equal((await request({ ':path': '/rt/room', ':authority': 'elsewhere.example', host: '127.0.0.1' })).headers[':status'], 403)
  })
})

t.test('a stream of HTTP/2 that is not read', async (t) => {
  t.test('is ended when its time is over, whatever else is sent on its session', async (t) => {
    const app = await startHttp2(t, undefined, { writeTimeoutMs: 1_000 })
    const session = connect(`http://127.0.0.1:${port(app)}`)
    t.teardown(() => { session.destroy() })
    await once(session, 'connect')
    // Unread data fills the window of its own stream and not that of the session.
    session.setLocalWindowSize(16 * 1024 ** 2)
    const [unread, read] = ['unread', 'read'].map((channel) => session.request({ ':path': `/rt/${channel}`, accept: 'application/x-ndjson' })) as [ClientHttp2Stream, ClientHttp2Stream]
    unread.on('error', () => undefined)
    let lines = 0
    read.on('data', () => { lines++ })
    await eventually(() => [...app.channels].length === 2)
    for (let count = 0; count < 5; count++) await app.channels.publish('unread', 'x'.repeat(50_000))
    await eventually(() => app.channels.subscriberCount('unread') === 0, { message: 'the one that is not read is gone' })
    t.equal(app.channels.limits.get('writeTimeoutMs'), 1)
    t.equal(app.channels.subscriberCount('read'), 1)
    const before = lines
    await eventually(() => lines > before, { message: 'the other one goes on' })
  })
})

t.test('a host on HTTP/2 with TLS that also takes HTTP/1.1', async (t) => {
  t.test('has WebSockets', async (t) => {
    const app = await startHttp2(t, { ...SERVER_TLS, allowHTTP1: true })
    const socket = new WebSocket(`wss://127.0.0.1:${port(app)}/rt/room?since=now`, CLIENT_TLS as object)
    t.teardown(() => { socket.terminate() })
    const [first] = await once(socket, 'message') as [Buffer]
    t.match(JSON.parse(first.toString()), { event: 'subscribed' })
    const next = once(socket, 'message') as Promise<[Buffer]>
    await app.channels.publish('room', 'hello')
    t.match(JSON.parse((await next)[0].toString()), { message: 'hello' })
  })
})
