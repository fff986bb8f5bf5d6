import { decodeJwt } from 'jose'
import t from 'tap'
import { goodJwt, SECRET } from '../tokens.js'
import { ask, assertError, mint, post, startHost, startService } from '../helper.js'
import { refusal, subscribe } from '../sockets.js'

const SECOND_MS = 1_000

t.test('POST /-/tokens', async (t) => {
  t.test('makes a token that subscribes to what it names and to nothing else', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    const { status, headers, body } = await post(app, '/-/tokens', { subscribe: ['user:7:*'], sub: '7', jti: 'id', ttl: 60 })
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'no-store')
    t.strictSame(Object.keys(body), ['token', 'jti', 'exp'])
    const token = String(body['token'])
    t.match(decodeJwt(token), { subscribe: ['user:7:*'], sub: '7', jti: 'id', exp: body['exp'] })
    t.equal((await ask(app, `/user:7:inbox?token=${token}`)).status, 200)
    t.match(await refusal(t, app, `/user:8:inbox?token=${token}`), { code: 4403 })
    await subscribe(t, app, `/user:7:inbox?token=${token}`)
  })

  t.test('gives each token an id and an hour by default, or less where tokens may live less', async (t) => {
    for (const [env, seconds] of [[{}, 3_600], [{ TOKEN_MAX_TTL: '60.5' }, 60]] as const) {
      const app = await startService(t, { TOKEN_SECRET: SECRET, ...env })
      const [one, two] = [await post(app, '/-/tokens', { subscribe: ['*'] }), await post(app, '/-/tokens', { send: ['*'] })]
      t.not(one.body['jti'], two.body['jti'])
      const left = Number(one.body['exp']) - Date.now() / SECOND_MS
      t.ok(left > seconds - 30 && left <= seconds, `${left} of ${seconds}`)
      t.equal((await ask(app, `/room?token=${String(one.body['token'])}`)).status, 200)
    }
  })

  t.test('uses the first secret, and names the issuer and audience that are configured', async (t) => {
    const app = await startHost(t, { tokenSecret: [SECRET, 'x'.repeat(32)], tokenIssuer: ['me', 'you'], tokenAudience: ['push'] })
    const token = await mint(app, { subscribe: ['*'] })
    t.match(decodeJwt(token), { iss: 'me', aud: 'push' })
    t.equal((await ask(await startHost(t, { tokenSecret: SECRET }), `/room?token=${token}`)).status, 200)
  })

  t.test('is refused with 400 for what cannot be a token, by its place', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, TOKEN_MAX_TTL: '3600' })
    for (const [body, message] of [
      [{}, /give subscribe or send/],
      [{ sub: 'user' }, /give subscribe or send/],
      [{ subscribe: 'room' }, /subscribe: expected array/],
      [{ subscribe: ['a b'] }, /subscribe\/0: /],
      [{ send: Array<string>(101).fill('a') }, /send: /],
      [{ subscribe: ['a'], sub: '' }, /sub: /],
      [{ subscribe: ['a'], jti: 'x'.repeat(256) }, /jti: /],
      [{ subscribe: ['a'], ttl: 0 }, /ttl: /],
      [{ subscribe: ['a'], ttl: 1.5 }, /ttl: /],
      [{ subscribe: ['a'], ttl: 3_601 }, /ttl must be at most 3600 s \(TOKEN_MAX_TTL\)/],
      [{ subscribe: ['a'], exp: 1 }, /exp: unexpected property/],
      [[], /expected object/],
      [null, /expected object/]
    ] as const) {
      const answer = await post(app, '/-/tokens', body)
      assertError(t, answer, 400, 'MSG_ERR_GRANT_INVALID', JSON.stringify(body))
      t.match(answer.body['message'], message)
    }
    t.equal((await post(app, '/-/tokens', { subscribe: ['a'], ttl: 3_600 })).status, 200)
  })

  t.test('answers 501 where there is no secret to make tokens with', async (t) => {
    assertError(t, await post(await startService(t), '/-/tokens', { subscribe: ['*'] }), 501, 'MSG_ERR_MINTING_UNAVAILABLE')
  })

  t.test('is for the holders of publishers\' tokens alone', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    assertError(t, await post(app, '/-/tokens', { subscribe: ['*'] }, { authorization: undefined }), 401, 'MSG_ERR_TOKEN_MISSING')
    for (const token of ['wrong', goodJwt({ send: ['*'] })]) assertError(t, await post(app, '/-/tokens', { subscribe: ['*'] }, { authorization: `Bearer ${token}` }), 403, 'MSG_ERR_TOKEN_INVALID')
  })
})
