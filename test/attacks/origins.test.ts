import t from 'tap'
import type { FastifyRequest } from 'fastify'
import { ask, assertError, countConnections, origin, port, post, startHost, startService } from '../helper.js'
import { connectRaw, refusal, subscribe, upgradeRequest } from '../sockets.js'
import { EVENT_STREAM, LINES } from '../streams.js'
import { bearer, SECRET, token } from '../tokens.js'
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

  t.test('that has a token for publishing from elsewhere cannot use it, and is not permitted to try', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, ALLOWED_ORIGINS: 'https://app.example' })
    for (const evil of ['https://evil.example', 'null', '', 'http://app.example', 'https://app.example.evil.example', 'https://app.example, https://evil.example', 'file://', `${origin(app)}.evil.example`]) {
      for (const [path, body] of [['/send/room', { message: 1 }], ['/send', { channels: ['room'], message: 1 }]] as const) {
        const answers = [await ask(app, path, { method: 'OPTIONS', headers: { origin: evil, 'access-control-request-method': 'POST' } }), await post(app, path, body, { ...bearer(token()), origin: evil })]
        for (const answer of answers) {
          assertError(t, answer, 403, 'MSG_ERR_ORIGIN_FORBIDDEN', evil)
          t.equal(answer.headers['access-control-allow-origin'], undefined)
        }
      }
    }
    t.match((await ask(app, '/room', { headers: bearer(token()) })).body, { messages: { length: 0 } })
  })

  t.test('that tries the public token publishes nothing to a service on its visitor\'s machine', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '' })
    const known = bearer('default-secret')
    for (const [path, body] of [['/send/room', { message: 1 }], ['/send', { channels: ['room'], message: 1 }]] as const) {
      assertError(t, await post(app, path, body, { ...known, origin: 'https://evil.example' }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN', path)
      t.equal((await post(app, path, body, { ...known, origin: origin(app) })).status, 200, 'the page of the service')
      t.equal((await post(app, path, body, known)).status, 200, 'a program')
    }
    t.match((await ask(app, '/room')).body, { messages: { length: 4 } })
    const named = await startService(t, { BEARER_TOKEN: '', ALLOWED_ORIGINS: 'https://app.example' })
    for (const [page, status] of [['https://app.example', 200], ['https://evil.example', 403]] as const) t.equal((await post(named, '/send/room', { message: 1 }, { ...known, origin: page })).status, status, page)
  })

  t.test('that guesses at tokens does not lock out the publishers of its visitor\'s address', async (t) => {
    const app = await startHost(t, { maxRefusedTokensPerMinute: 3 })
    const guess = async (headers: Record<string, string>): Promise<number> => (await post(app, '/send/room', { message: 1 }, { ...bearer('guess'), ...headers })).status
    const page = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    for (const status of [403, 403, 403, 429]) t.equal(await guess(page), status)
    t.equal((await post(app, '/send/room', { message: 1 }, page)).status, 429, 'nor is it told when it is right')
    t.equal((await post(app, '/send/room', { message: 1 })).status, 200)
    for (const status of [403, 403, 403, 429]) t.equal(await guess({}), status)
  })

  t.test('that is not allowed has its guesses counted like any other', async (t) => {
    const app = await startHost(t, { tokenSecret: SECRET, allowedOrigins: ['https://app.example'], maxRefusedTokensPerMinute: 3 })
    for (const status of [403, 403, 403, 429]) t.equal((await post(app, '/send/room', { message: 1 }, { ...bearer('guess'), origin: 'https://evil.example' })).status, status)
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
