import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { ask, assertError, countConnections, origin, port, startHost, startService } from '../helper.js'
import { connectRaw, refusal, subscribe, upgradeRequest } from '../sockets.js'
import { EVENT_STREAM, LINES } from '../streams.js'
import { eventually } from '../eventually.js'

/** A host that knows its users by a cookie, as browsers send it along whatever page asks. */
const bySession = (request: FastifyRequest): boolean => request.headers.cookie === 'session=alice'
const cookie = 'session=alice'

t.test('an attacker\'s page', async (t) => {
  t.test('that opens a WebSocket with its visitor\'s cookies is refused before the handshake', async (t) => {
    const app = await startHost(t, { authorize: bySession })
    for (const foreign of ['https://evil.example', 'http://127.0.0.1:1', 'null', 'http://127.0.0.1.evil.example', `${origin(app)}.evil.example`, 'https://sub.host.example', 'file://']) {
      const connection = await connectRaw(t, app)
      connection.write(upgradeRequest('/room').replace('Host: test', `Host: 127.0.0.1:${port(app)}\r\nCookie: ${cookie}\r\nOrigin: ${foreign}`))
      t.match(await connection.readHead(), /^HTTP\/1.1 403 /, foreign)
      await connection.closed
    }
    const own = await subscribe(t, app, '/room?since=now', { headers: { cookie, origin: origin(app) } })
    t.match(await own.next(), { event: 'subscribed' })
    own.socket.terminate()
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('that reads a stream or an answer with its visitor\'s cookies is refused', async (t) => {
    const app = await startHost(t, { authorize: bySession })
    for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
      assertError(t, await ask(app, '/room', { headers: { accept, cookie, origin: 'https://evil.example' } }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN', accept)
      // As <script src>, <img src> and fetch with "no-cors" ask: without an origin.
      assertError(t, await ask(app, '/room', { headers: { accept, cookie, 'sec-fetch-site': 'cross-site' } }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN', accept)
    }
    t.equal((await ask(app, '/room', { headers: { cookie, 'sec-fetch-site': 'same-origin' } })).status, 200)
    t.equal((await ask(app, '/room', { headers: { cookie } })).status, 200, 'programs have no origin')
    assertError(t, await ask(app, '/room', { headers: { cookie: 'session=other', origin: origin(app) } }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
  })

  t.test('that publishes with its visitor\'s cookies is refused', async (t) => {
    const app = await startHost(t, { authorize: bySession })
    const post = (headers: Record<string, string>) => ask(app, '/send/room', { method: 'POST', headers: { cookie, 'content-type': 'application/json', ...headers }, body: '{"message":1}' })
    assertError(t, await post({ origin: 'https://evil.example' }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
    assertError(t, await post({ origin: 'https://evil.example', 'content-type': 'text/plain' }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN', 'as a form can be sent')
    assertError(t, await post({ origin: origin(app), cookie: 'session=other' }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.equal((await post({ origin: origin(app) })).status, 200)
  })

  t.test('that is not on the list is refused on every transport, and one that is on it is not', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: 'https://app.example, https://*.app.example' })
    for (const foreign of ['https://evil.example', 'http://app.example', 'https://app.example.evil.example', 'https://evilapp.example', 'https://app.example:8443', 'https://evil.example/.app.example', 'https://.app.example']) {
      t.equal((await ask(app, '/room', { headers: { origin: foreign } })).status, 403, foreign)
      await t.rejects(subscribe(t, app, '/room', { headers: { origin: foreign } }), /403/, foreign)
    }
    for (const allowed of ['https://app.example', 'https://APP.example', 'https://a.app.example', 'https://a.b.app.example']) {
      const { status, headers } = await ask(app, '/room', { headers: { origin: allowed } })
      t.equal(status, 200, allowed)
      t.match(headers, { 'access-control-allow-origin': allowed, vary: /Origin/ }, allowed)
      await subscribe(t, app, '/room', { headers: { origin: allowed } })
    }
  })

  t.test('gets in on an open service, which has nothing to hide', async (t) => {
    const app = await startService(t)
    const { headers } = await ask(app, '/room', { headers: { origin: 'https://any.example' } })
    t.equal(headers['access-control-allow-origin'], '*')
    t.notOk(headers['access-control-allow-credentials'], 'no cookies along with it')
    t.match(await refusal(t, app, '/client.js'), { code: 1008 })
  })
})
