import t from 'tap'
import { ask, assertError, startHost, startService, origin as originOf } from '../helper.js'
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

  t.test('lets no page publish', async (t) => {
    const app = await startService(t)
    t.equal((await ask(app, '/send/room', { method: 'OPTIONS', headers })).status, 404)
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
