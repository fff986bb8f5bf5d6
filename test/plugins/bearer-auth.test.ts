import t, { type Test } from 'tap'
import { startJwks, webKey } from '../access/jwks-server.js'
import { goodJwt, KEYS, SECRET } from '../tokens.js'
import { ask, assertError, origin, post, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { eventually } from '../eventually.js'

const ENV = { TOKEN_SECRET: SECRET }

/** No bucket fills up until the end of the test. */
function stopTime (t: Test): void {
  const now = performance.now()
  t.intercept(performance, 'now', { value: () => now })
}

function bearer (token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

t.test('a publisher with a token of its own', async (t) => {
  t.test('sends to the channels that the token covers', async (t) => {
    const app = await startService(t, ENV)
    const headers = bearer(goodJwt({ send: ['orders:*'], sub: 'shop' }))
    t.match(await post(app, '/send/orders:1', { message: 1 }, headers), { status: 200, body: { status: 'Message sent' } })
    assertError(t, await post(app, '/send/other', { message: 1 }, headers), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    assertError(t, await post(app, '/send/orders:1', { message: 1 }, bearer(goodJwt({ subscribe: ['*'] }))), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
  })

  t.test('sends a batch only when it covers every channel of it', async (t) => {
    const app = await startService(t, ENV)
    const headers = bearer(goodJwt({ send: ['a', 'b'] }))
    t.match(await post(app, '/send', { channels: ['a', 'b'], message: 1 }, headers), { status: 200, body: { results: { length: 2 } } })
    for (const body of [{ channels: ['a', 'c'], message: 1 }, { messages: [{ channel: 'a', message: 1 }, { channel: 'c', message: 1 }] }]) assertError(t, await post(app, '/send', body, headers), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.match((await ask(app, '/a', { headers: publishHeaders() })).body, { messages: { length: 1 } }, 'nothing of what was refused was sent')
  })

  t.test('is refused with 403 where the token is no good, and 401 where there is none', async (t) => {
    for (const env of [ENV, {}]) {
      const app = await startService(t, env)
      for (const token of ['nonsense', goodJwt({ send: ['*'] }, { key: 'x'.repeat(32) }), goodJwt({ send: ['*'], exp: 1 })]) assertError(t, await post(app, '/send/room', { message: 1 }, bearer(token)), 403, 'MSG_ERR_TOKEN_INVALID')
      for (const authorization of [undefined, 'Basic x', 'Bearer']) assertError(t, await post(app, '/send/room', { message: 1 }, { authorization }), 401, 'MSG_ERR_TOKEN_MISSING', authorization)
    }
  })

  t.test('is to try again later while its key cannot be fetched', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey))
    const app = await startService(t, { TOKEN_JWKS_URL: jwks.url })
    const headers = bearer(goodJwt({ send: ['*'] }, { alg: 'ES256' }))
    jwks.status = 500
    assertError(t, await post(app, '/send/room', { message: 1 }, headers), 503, 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    jwks.status = 200
    await eventually(async () => (await post(app, '/send/room', { message: 1 }, headers)).status === 200)
  })
})

t.test('a page that publishes', async (t) => {
  const PAGE = 'https://app.example.com'
  const EVIL = 'https://evil.org'
  const SHARED = { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', 'access-control-expose-headers': 'preference-applied, retry-after', vary: 'Origin' }
  const HIDDEN = { 'access-control-allow-origin': undefined, 'access-control-allow-credentials': undefined, vary: 'Origin' }
  const headers = bearer(goodJwt({ send: ['orders:*'] }))

  t.test('does so with a token that covers the channel, from an allowed origin or the service\'s own', async (t) => {
    const app = await startService(t, { ...ENV, ALLOWED_ORIGINS: PAGE })
    for (const [path, body] of [['/send/orders:1', { message: 1 }], ['/send', { channels: ['orders:1'], message: 1 }]] as const) {
      t.match(await post(app, path, body, { ...headers, origin: PAGE }), { status: 200, headers: SHARED }, path)
      t.match(await post(app, path, body, { ...headers, origin: origin(app) }), { status: 200, headers: HIDDEN }, 'its own needs no header')
      const refused = await post(app, path, body, { ...headers, origin: EVIL })
      assertError(t, refused, 403, 'MSG_ERR_ORIGIN_FORBIDDEN', path)
      t.match(refused.headers, HIDDEN)
    }
    t.match((await ask(app, '/orders:1', { headers: bearer(goodJwt()) })).body, { messages: { length: 4 } })
    const open = await startService(t, ENV)
    t.match(await post(open, '/send/orders:1', { message: 1 }, { ...headers, origin: EVIL }), {
      status: 200, headers: { 'access-control-allow-origin': '*', 'access-control-allow-credentials': undefined, vary: undefined }
    }, 'every origin')
  })

  t.test('can read why it was refused, unless its origin is not allowed', async (t) => {
    stopTime(t)
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey))
    jwks.status = 500
    const limits = { maxMessageBytes: 1_000, maxPublishesPerSecond: 1, maxRefusedTokensPerMinute: 1 }
    const app = await startHost(t, { tokenSecret: SECRET, tokenJwksUrl: jwks.url, allowedOrigins: [PAGE], ...limits })
    const limited = bearer(goodJwt({ send: ['*'], sub: 'limited' }))
    t.equal((await post(app, '/send/room', { message: 1 }, limited)).status, 200)
    for (const [status, more, path = '/send/orders:1', message = 1] of [
      [401, { authorization: undefined }], [403, {}, '/send/room'], [403, bearer('guess')], [429, bearer('guess')], [429, limited], [413, {}, '/send/orders:1', 'x'.repeat(10_000)],
      [415, { 'content-type': 'text/plain' }], [415, { 'content-encoding': 'gzip' }], [400, {}, '/send/a/b'], [400, {}, '/send/orders:1', ''], [400, { ...bearer(goodJwt({ send: ['*'], sub: 'other' })), 'idempotency-key': '' }],
      [503, bearer(goodJwt({ send: ['*'] }, { alg: 'ES256' }))]
    ] as [number, Record<string, string | undefined>, string?, string?][]) {
      const what = `${status} ${path} ${JSON.stringify(more)}`
      t.match(await post(app, path, { message }, { ...headers, ...more, origin: PAGE }), { status, headers: SHARED }, what)
      t.match(await post(app, path, { message }, { ...headers, ...more, origin: EVIL }), { headers: HIDDEN }, what)
    }
    t.match((await ask(app, '/orders:1', { headers: bearer(goodJwt()) })).body, { messages: { length: 0 } }, 'nothing was sent')
  })

  t.test('has no answer changed for a publisher without an origin', async (t) => {
    const app = await startService(t, { ...ENV, ALLOWED_ORIGINS: PAGE })
    for (const more of [headers, { authorization: undefined }, { ...headers, 'sec-fetch-site': 'cross-site' }]) {
      const { headers: sent } = await post(app, '/send/orders:1', { message: 1 }, more)
      t.strictSame(Object.keys(sent).filter((name) => name === 'vary' || name.startsWith('access-control-')), [])
    }
    t.match((await ask(app, '/orders:1', { headers: bearer(goodJwt()) })).body, { messages: { length: 2 } })
  })

  t.test('is not meant by the rule where it has a token of BEARER_TOKEN, which no page has', async (t) => {
    const app = await startService(t, { ...ENV, ALLOWED_ORIGINS: PAGE })
    t.match(await post(app, '/send/room', { message: 1 }, { origin: EVIL }), { status: 200, headers: HIDDEN })
  })

  t.test('may do so with the cookies of its user where the host says so', async (t) => {
    const app = await startHost(t, { authorize: ({ headers }) => headers.cookie === 'session=alice', allowedOrigins: [PAGE] })
    const more = { authorization: undefined, cookie: 'session=alice' }
    t.match(await post(app, '/send/room', { message: 1 }, { ...more, origin: PAGE }), { status: 200, headers: SHARED })
    t.match(await post(app, '/send/room', { message: 1 }, { ...more, origin: PAGE, cookie: 'session=bob' }), { status: 403, headers: SHARED })
    assertError(t, await post(app, '/send/room', { message: 1 }, { ...more, origin: EVIL }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
  })
})

t.test('the tokens of publishers', async (t) => {
  t.test('are several that are valid at once, whatever the case of the scheme', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: 'old, new' })
    for (const authorization of ['Bearer old', 'Bearer new', 'bearer new']) t.equal((await post(app, '/send/room', { message: 1 }, { authorization })).status, 200, authorization)
    t.equal((await post(app, '/send/room', { message: 1 }, bearer('other'))).status, 403)
  })
})

t.test('a host that authorizes publishers', async (t) => {
  t.test('is asked where a request names one channel and brings no token', async (t) => {
    const asked: string[] = []
    const app = await startHost(t, { authorize: (_request, channel, action) => { asked.push(`${action} ${channel}`); return channel === 'mine' } })
    const headers = { authorization: undefined }
    t.equal((await post(app, '/send/mine', { message: 1 }, headers)).status, 200)
    assertError(t, await post(app, '/send/yours', { message: 1 }, headers), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.strictSame(asked, ['send mine', 'send yours'])
    assertError(t, await post(app, '/send', { channels: ['mine'], message: 1 }, headers), 401, 'MSG_ERR_TOKEN_MISSING')
    t.equal((await post(app, '/send/yours', { message: 1 })).status, 200)
    assertError(t, await post(app, '/send/mine', { message: 1 }, bearer('wrong')), 403, 'MSG_ERR_TOKEN_INVALID')
    t.equal(asked.length, 2)
  })

  t.test('is not asked for requests of pages of other origins', async (t) => {
    let asked = 0
    const app = await startHost(t, { authorize: () => { asked++; return { subject: 'user' } } })
    assertError(t, await post(app, '/send/room', { message: 1 }, { authorization: undefined, origin: 'https://evil.org' }), 403, 'MSG_ERR_ORIGIN_FORBIDDEN')
    t.equal(asked, 0)
    t.equal((await post(app, '/send/room', { message: 1 }, { authorization: undefined, origin: origin(app) })).status, 200)
  })

  t.test('has each of its users counted apart', async (t) => {
    stopTime(t)
    const app = await startHost(t, { authorize: ({ headers }) => typeof headers['x-user'] === 'string' ? { subject: headers['x-user'] } : true, maxPublishesPerSecond: 1 })
    const send = async (user?: string): Promise<number> => (await post(app, '/send/room', { message: 1 }, { authorization: undefined, 'x-user': user })).status
    t.strictSame([await send('a'), await send('b'), await send(), await send('a'), await send('b'), await send()], [200, 200, 200, 429, 429, 429])
  })
})

t.test('too many refused tokens', async (t) => {
  t.test('end the trust in every token for publishing from that address, also good ones', async (t) => {
    stopTime(t)
    const app = await startHost(t, { maxRefusedTokensPerMinute: 3 })
    for (let count = 0; count < 3; count++) assertError(t, await post(app, '/send/room', { message: 1 }, bearer(`guess-${count}`)), 403, 'MSG_ERR_TOKEN_INVALID')
    for (const token of ['guess-3', TOKEN]) {
      const answer = await post(app, '/send/room', { message: 1 }, bearer(token))
      assertError(t, answer, 429, 'MSG_ERR_RATE_LIMITED')
      t.equal(answer.headers['retry-after'], '20')
    }
    assertError(t, await ask(app, '/-/limits', { headers: publishHeaders() }), 429, 'MSG_ERR_RATE_LIMITED')
    t.equal(app.channels.limits.get('maxRefusedTokensPerMinute'), 3)
    t.equal((await ask(app, '/room')).status, 200, 'subscribing needs no token here')
  })

  t.test('are counted of subscribers, too; a good one of theirs is let in all the same', async (t) => {
    stopTime(t)
    const app = await startHost(t, { tokenSecret: SECRET, maxRefusedTokensPerMinute: 2 })
    for (let count = 0; count < 2; count++) assertError(t, await ask(app, '/room?token=guess'), 401, 'MSG_ERR_TOKEN_REFUSED')
    assertError(t, await ask(app, '/room?token=guess'), 429, 'MSG_ERR_RATE_LIMITED')
    t.equal((await ask(app, `/room?token=${goodJwt()}`)).status, 200)
    t.equal((await post(app, '/send/room', { message: 1 }, bearer(goodJwt({ send: ['*'] })))).status, 200, 'nor is a page locked out that publishes')
    assertError(t, await post(app, '/send/room', { message: 1 }), 429, 'MSG_ERR_RATE_LIMITED')
    assertError(t, await ask(app, '/room', { headers: publishHeaders() }), 429, 'MSG_ERR_RATE_LIMITED', 'a token of publishers is not compared')
    assertError(t, await ask(app, '/room'), 401, 'MSG_ERR_TOKEN_REQUIRED', 'none is none that was refused')
  })
})

t.test('the messages of a publisher', async (t) => {
  t.test('count each, those of a batch as well', async (t) => {
    stopTime(t)
    const app = await startHost(t, { maxPublishesPerSecond: 2, token: [TOKEN, 'other'] })
    t.equal((await post(app, '/send', { channels: Array<string>(5).fill('room'), message: 1 })).status, 200, 'what is begun within the limit is taken whole')
    const answer = await post(app, '/send/room', { message: 1 })
    assertError(t, answer, 429, 'MSG_ERR_RATE_LIMITED')
    t.equal(answer.headers['retry-after'], '2')
    assertError(t, await post(app, '/send', { channels: ['room'], message: 1 }), 429, 'MSG_ERR_RATE_LIMITED')
    t.equal(app.channels.limits.get('maxPublishesPerSecond'), 2)
    t.equal((await post(app, '/send/room', { message: 1 }, bearer('other'))).status, 200, 'another publisher is not held up')
    t.match((await ask(app, '/room')).body, { messages: { length: 6 } })
    await app.channels.publish('room', 'in process')
  })
})
