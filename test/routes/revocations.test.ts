import t from 'tap'
import { goodJwt, SECRET, seconds } from '../tokens.js'
import { ask, assertError, mint, post, startHost, startService } from '../helper.js'
import { refusal, subscribe } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { eventually } from '../eventually.js'

const ENV = { TOKEN_SECRET: SECRET }

t.test('POST /-/revocations', async (t) => {
  t.test('ends what a subject has open on every transport, and lets the others be', async (t) => {
    const app = await startService(t, ENV)
    const token = await mint(app, { subscribe: ['*'], sub: 'user' })
    const other = await mint(app, { subscribe: ['*'], sub: 'other' })
    const sockets = [await subscribe(t, app, `/room?token=${token}`), await subscribe(t, app, `/room?token=${other}`)]
    const streams = [await stream(t, app, `/room?token=${token}`, EVENT_STREAM), await stream(t, app, `/room?token=${token}`, LINES)]
    const poll = ask(app, `/room?since=now&wait=60&token=${token}`)
    await eventually(() => app.channels.subscriberCount('room') === 5)
    const { status, body } = await post(app, '/-/revocations', { sub: 'user' })
    t.match({ status, body }, { status: 200, body: { status: 'Revoked' } })
    t.match(await sockets[0]?.closed, { code: 4401, reason: 'MSG_ERR_TOKEN_REVOKED' })
    for (const { closed } of streams) await closed
    t.match(await poll, { status: 200, body: { messages: [] } })
    t.equal(app.channels.subscriberCount('room'), 1)
    t.match(await refusal(t, app, `/room?token=${token}`), { code: 4401, reason: 'MSG_ERR_TOKEN_REVOKED' })
    assertError(t, await ask(app, `/room?token=${token}`), 401, 'MSG_ERR_TOKEN_REVOKED')
    assertError(t, await post(app, '/send/room', { message: 1 }, { authorization: `Bearer ${goodJwt({ send: ['*'], sub: 'user', iat: seconds(-10) })}` }), 403, 'MSG_ERR_TOKEN_INVALID')
    await app.channels.publish('room', 'still here')
    t.match(await sockets[1]?.next(), { message: 'still here' })
  })

  t.test('admits tokens that are issued afterwards, also at once', async (t) => {
    const app = await startService(t, ENV)
    await post(app, '/-/revocations', { sub: 'user' })
    await subscribe(t, app, `/room?token=${await mint(app, { subscribe: ['*'], sub: 'user' })}`)
  })

  t.test('ends a token of an issuer whose clock is ahead, and not the one that is made here afterwards', async (t) => {
    const app = await startService(t, ENV)
    const token = goodJwt({ sub: 'user', iat: seconds(60) })
    const subscription = await subscribe(t, app, `/room?token=${token}`)
    await post(app, '/-/revocations', { sub: 'user' })
    t.match(await subscription.closed, { code: 4401, reason: 'MSG_ERR_TOKEN_REVOKED' })
    assertError(t, await ask(app, `/room?token=${token}`), 401, 'MSG_ERR_TOKEN_REVOKED')
    t.equal((await ask(app, `/room?token=${await mint(app, { subscribe: ['*'], sub: 'user' })}`)).status, 200)
    assertError(t, await ask(app, `/room?token=${goodJwt({ iat: seconds(400) })}`), 401, 'MSG_ERR_TOKEN_REFUSED')
  })

  t.test('ends one token by its jti', async (t) => {
    const app = await startService(t, ENV)
    const [one, two] = [await mint(app, { subscribe: ['*'], sub: 'user', jti: '1' }), await mint(app, { subscribe: ['*'], sub: 'user', jti: '2' })]
    const subscriptions = [await subscribe(t, app, `/room?token=${one}`), await subscribe(t, app, `/room?token=${two}`)]
    await post(app, '/-/revocations', { jti: '1' })
    t.match(await subscriptions[0]?.closed, { code: 4401 })
    t.equal((await ask(app, `/room?token=${two}`)).status, 200)
  })

  t.test('refuses a token that does not say when it was made once its subject is revoked, and takes it otherwise', async (t) => {
    const app = await startService(t, ENV)
    const token = goodJwt({ sub: 'user' })
    t.equal((await ask(app, `/room?token=${token}`)).status, 200)
    await post(app, '/-/revocations', { sub: 'other' })
    t.equal((await ask(app, `/room?token=${token}`)).status, 200)
    await post(app, '/-/revocations', { sub: 'user' })
    assertError(t, await ask(app, `/room?token=${token}`), 401, 'MSG_ERR_TOKEN_REVOKED')
  })

  t.test('says until when it is remembered: as long as a token can live, or as is asked for', async (t) => {
    const app = await startService(t, { ...ENV, TOKEN_MAX_TTL: '1000' })
    const remembered = async (exp?: number): Promise<number> => Number((await post(app, '/-/revocations', { sub: 'user', exp })).body['exp'])
    const wanted = seconds(100)
    t.equal(await remembered(wanted), wanted)
    for (const exp of [undefined, seconds(5_000)]) {
      const left = await remembered(exp) - seconds(0)
      t.ok(left > 970 && left <= 1_001, String(left))
    }
  })

  t.test('ends the grants of a subject that a host has named', async (t) => {
    const app = await startHost(t, { authorize: ({ headers }) => ({ subject: String(headers['x-user']) }) })
    const [a, b] = [await subscribe(t, app, '/room', { headers: { 'x-user': 'a' } }), await subscribe(t, app, '/room', { headers: { 'x-user': 'b' } })]
    await post(app, '/-/revocations', { sub: 'a' })
    t.match(await a.closed, { code: 4401 })
    await app.channels.publish('room', 1)
    t.match(await b.next(), { message: 1 })
  })

  t.test('is refused with 400 unless it names one subject or one token', async (t) => {
    const app = await startService(t, ENV)
    for (const body of [{}, { sub: 'a', jti: 'b' }, { sub: '' }, { jti: 7 }, { sub: 'a', exp: -1 }, { sub: 'a', exp: 'soon' }, { sub: 'a', ttl: 1 }, { sub: 'x'.repeat(256) }, []]) {
      assertError(t, await post(app, '/-/revocations', body), 400, 'MSG_ERR_GRANT_INVALID', JSON.stringify(body))
    }
  })

  t.test('is for the holders of publishers\' tokens alone', async (t) => {
    const app = await startService(t, ENV)
    assertError(t, await post(app, '/-/revocations', { sub: 'a' }, { authorization: undefined }), 401, 'MSG_ERR_TOKEN_MISSING')
    assertError(t, await post(app, '/-/revocations', { sub: 'a' }, { authorization: `Bearer ${goodJwt({ send: ['*'] })}` }), 403, 'MSG_ERR_TOKEN_INVALID')
  })
})
