import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import messenger, { type MessengerOptions } from '../../src/index.js'
import { ask, assertError, createHost, post, startHost, startService, origin as originOf, TOKEN } from '../helper.js'
import { refusal, Subscription, subscribe } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'

const PAGE = 'https://app.example.com'
const EVIL = 'https://evil.org'
const KINDS = ['application/json', '*/*', EVENT_STREAM, LINES]

/** The status of the answer to a request to upgrade. */
async function upgradeStatus (url: string, headers: Record<string, string>): Promise<number> {
  const { socket } = new Subscription(url, { headers })
  return await new Promise((resolve) => {
    socket.once('upgrade', () => { resolve(101); socket.terminate() })
    socket.once('unexpected-response', (request, response) => { resolve(response.statusCode ?? 0); request.destroy() })
  })
}

t.test('pages of other origins', async (t) => {
  t.test('may subscribe and read every answer where nothing is configured, without cookies', async (t) => {
    const app = await startService(t)
    const share = { 'access-control-allow-origin': '*', 'access-control-expose-headers': /retry-after/, 'access-control-allow-credentials': undefined, vary: undefined }
    for (const accept of KINDS) {
      const { response } = await stream(t, app, '/room', accept, { origin: EVIL })
      t.equal(response.statusCode, 200)
      t.match(response.headers, share, accept)
    }
    const { status, headers } = await ask(app, '/-nonsense', { headers: { origin: EVIL } })
    t.equal(status, 400)
    t.match(headers, share, 'an error can be read as well')
    await subscribe(t, app, '/room', { headers: { origin: EVIL } })
  })

  t.test('may subscribe where they are allowed by name, with cookies, and no other may', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: 'https://*.example.com, null' })
    for (const accept of KINDS) {
      const { response } = await stream(t, app, '/room', accept, { origin: PAGE })
      t.match(response, { statusCode: 200, headers: { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', vary: /Origin/ } }, accept)
      const answer = await ask(app, '/room', { headers: { origin: EVIL, accept } })
      assertError(t, answer, 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
      t.match(answer.headers, { 'access-control-allow-origin': undefined, vary: /Origin/ })
    }
    const url = `${originOf(app).replace('http', 'ws')}/room`
    for (const [origin, status] of [[PAGE, 101], ['null', 101], [EVIL, 403], ['https://example.com', 403]] as const) t.equal(await upgradeStatus(url, { origin }), status, origin)
  })

  t.test('are recognized without an origin, where the browser says that they are of another site', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: PAGE })
    assertError(t, await ask(app, '/room', { headers: { 'sec-fetch-site': 'cross-site' } }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
    for (const site of ['same-origin', 'same-site', 'none']) t.equal((await ask(app, '/room', { headers: { 'sec-fetch-site': site } })).status, 200, site)
    t.equal((await ask(app, '/room')).status, 200, 'a program')
  })
})

t.test('pages of the service\'s own origin', async (t) => {
  t.test('may subscribe by the Host that they ask for', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: PAGE })
    const own = originOf(app)
    t.equal((await ask(app, '/room', { headers: { origin: own } })).status, 200)
    t.equal((await ask(app, '/room', { headers: { origin: 'https://Push.example.org', host: 'push.example.org' } })).status, 200)
    t.equal((await ask(app, '/room', { headers: { origin: 'https://push.example.org:8443', host: 'push.example.org' } })).status, 403)
    t.equal(await upgradeStatus(`${own.replace('http', 'ws')}/room`, { origin: own }), 101)
  })
})

t.test('a preflight', async (t) => {
  const headers = { origin: PAGE, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }

  t.test('lets a page of any origin send a token along where nothing is configured', async (t) => {
    const app = await startService(t)
    const answer = await ask(app, '/room', { method: 'OPTIONS', headers })
    t.match(answer, { status: 204, text: '' })
    t.match(answer.headers, {
      'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET', 'access-control-allow-headers': 'authorization, last-event-id', 'access-control-max-age': '600'
    })
  })

  t.test('lets those that are allowed, and tells the others why not', async (t) => {
    const app = await startHost(t, { prefix: '/rt', allowedOrigins: [PAGE] })
    t.match(await ask(app, '/rt/room', { method: 'OPTIONS', headers }), { status: 204, headers: { 'access-control-allow-origin': PAGE, vary: /Origin/ } })
    const answer = await ask(app, '/rt/room', { method: 'OPTIONS', headers: { ...headers, origin: EVIL } })
    assertError(t, answer, 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
    t.equal(answer.headers['access-control-allow-origin'], undefined)
    t.equal((await ask(app, '/room', { method: 'OPTIONS', headers })).status, 404, 'the rest is the host\'s')
  })

  t.test('lets a page publish with all headers that a publisher sends', async (t) => {
    const send = { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,idempotency-key,prefer' }
    for (const [app, prefix] of [[await startService(t), ''], [await startHost(t, { prefix: '/rt' }), '/rt']] as const) {
      for (const path of ['/send/room', `/send/${'%61'.repeat(100)}`, '/send']) {
        const answer = await ask(app, prefix + path, { method: 'OPTIONS', headers: send })
        t.match(answer, { status: 204, text: '' }, path)
        t.match(answer.headers, {
          'access-control-allow-origin': '*', 'access-control-allow-methods': /^POST\b/, 'access-control-allow-headers': /^authorization, content-type, idempotency-key, prefer\b/, 'access-control-max-age': '600'
        }, path)
      }
      t.match((await ask(app, `${prefix}/send`, { method: 'OPTIONS', headers })).headers, {
        'access-control-allow-methods': 'POST, GET', 'access-control-allow-headers': 'authorization, content-type, idempotency-key, prefer, last-event-id'
      }, '/send is also the path of the channel "send"')
    }
  })

  t.test('lets no page of an origin that is not allowed publish', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: PAGE })
    for (const path of ['/send/room', '/send']) {
      const allowed = await ask(app, path, { method: 'OPTIONS', headers })
      t.match(allowed, { status: 204, headers: { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', vary: 'Origin' } }, path)
      for (const origin of [EVIL, 'null', '']) {
        const answer = await ask(app, path, { method: 'OPTIONS', headers: { ...headers, origin } })
        assertError(t, answer, 403, 'MSG_ERR_ORIGIN_FORBIDDEN', path)
        t.match(answer.headers, { 'access-control-allow-origin': undefined, 'access-control-allow-credentials': undefined, vary: 'Origin' }, path)
      }
    }
  })

  t.test('concerns no operator: their routes have none', async (t) => {
    const app = await startService(t)
    for (const path of ['/-/tokens', '/-/revocations', '/-/limits']) t.equal((await ask(app, path, { method: 'OPTIONS', headers })).status, 404, path)
  })
})

t.test('a host with rules of its own for other origins', async (t) => {
  /** A host whose hook allows an origin as @fastify/cors does. */
  const startSharing = async (t: Test, options: MessengerOptions): Promise<FastifyInstance> => {
    const app = createHost(t)
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', 'access-control-expose-headers': 'x-request-id', vary: 'accept-encoding, origin' })
    })
    await app.register(messenger, { prefix: '/rt', token: TOKEN, ...options })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app
  }

  t.test('keeps what it allows its pages, and the messenger adds to it', async (t) => {
    const app = await startSharing(t, {})
    for (const answer of [await ask(app, '/rt/room', { headers: { origin: PAGE } }), await post(app, '/rt/send/room', { message: 1 }, { origin: PAGE })]) {
      t.match(answer, { status: 200, headers: { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', 'access-control-expose-headers': /^x-request-id, .*retry-after/, vary: 'accept-encoding, origin' } })
    }
    for (const headers of [{ origin: EVIL }, {}]) t.equal((await ask(app, '/rt/room', { headers })).headers['access-control-allow-origin'], '*')
    const strict = await startSharing(t, { allowedOrigins: ['https://other.example'] })
    t.match((await ask(strict, '/rt/room', { headers: { origin: 'https://other.example' } })).headers, { 'access-control-allow-origin': 'https://other.example', vary: 'accept-encoding, origin' })
  })

  t.test('keeps a Vary that does not name the origin', async (t) => {
    const app = createHost(t)
    app.addHook('onRequest', async (_request, reply) => { reply.header('vary', 'accept-encoding') })
    await app.register(messenger, { token: TOKEN, allowedOrigins: [PAGE] })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.equal((await ask(app, '/room', { headers: { origin: PAGE } })).headers.vary, 'accept-encoding, Origin')
    t.equal((await post(app, '/send/room', { message: 1 })).headers.vary, 'accept-encoding', 'without an origin there is nothing to add')
  })

  t.test('keeps its own answers to preflight requests, also below the prefix', async (t) => {
    const app = createHost(t)
    app.options('*', async () => 'all')
    app.options('/rt/send/:room', async () => 'own')
    await app.register(messenger, { prefix: '/rt', token: TOKEN })
    app.options('/rt-other/send/:channel', async () => 'other')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const options = async (path: string): Promise<string | number> => {
      const { status, text } = await ask(app, path, { method: 'OPTIONS', headers: { origin: PAGE, 'access-control-request-method': 'POST' } })
      return status === 200 ? text : status
    }
    for (const [path, answer] of [['/rt/send/room', 'own'], ['/rt/send', 204], ['/rt/room', 204], ['/send/room', 'all'], ['/', 'all'], ['/rt-other/send/room', 'other'], ['/rt/-/tokens', 'all']] as const) t.equal(await options(path), answer, path)
  })
})

t.test('with authorize', async (t) => {
  t.test('pages of other origins are refused unless they are allowed: their cookies would come along', async (t) => {
    const app = await startHost(t, { authorize: () => true })
    t.equal((await ask(app, '/room', { headers: { origin: EVIL } })).status, 403)
    t.equal((await ask(app, '/room', { headers: { origin: originOf(app) } })).status, 200)
    const open = await startHost(t, { authorize: () => true, allowedOrigins: ['*'] })
    t.equal((await ask(open, '/room', { headers: { origin: EVIL } })).status, 200)
    t.match(await refusal(t, open, '/-nonsense'), { code: 1008 })
  })
})
