import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import messenger, { type MessengerOptions } from '../../src/index.js'
import { startJwks, webKey } from '../access/jwks-server.js'
import { goodJwt, jwt, KEYS, OTHER_SECRET, pem, SECRET, seconds } from '../tokens.js'
import { rejection } from '../codes.js'
import { ask, assertError, countConnections, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { refusal, subscribe } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { eventually } from '../eventually.js'

const ENV = { TOKEN_SECRET: SECRET }

t.test('a subscriber with a token', async (t) => {
  t.test('sends it as a header, as a subprotocol or in the URL', async (t) => {
    const app = await startService(t, ENV)
    const token = goodJwt({ subscribe: ['room'] })
    const subscription = await subscribe(t, app, '/room', {}, ['messenger', `token.${token}`])
    t.equal(subscription.socket.protocol, 'messenger', 'the token is not sent back')
    await subscribe(t, app, '/room', { headers: { authorization: `Bearer ${token}` } })
    await subscribe(t, app, `/room?token=${token}`)
    for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
      t.equal((await stream(t, app, '/room', accept, { authorization: `Bearer ${token}` })).response.statusCode, 200)
      t.equal((await stream(t, app, `/room?token=${token}`, accept)).response.statusCode, 200)
    }
  })

  t.test('is told over HTTP why it is not let in', async (t) => {
    const app = await startService(t, ENV)
    for (const [token, status, code] of [
      [undefined, 401, 'MSG_ERR_TOKEN_REQUIRED'], ['nonsense', 401, 'MSG_ERR_TOKEN_REFUSED'], [goodJwt({}, { key: OTHER_SECRET }), 401, 'MSG_ERR_TOKEN_REFUSED'],
      [goodJwt({ exp: seconds(-1) }), 401, 'MSG_ERR_TOKEN_EXPIRED'], [goodJwt({ subscribe: ['other'] }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN']
    ] as const) {
      for (const accept of ['*/*', EVENT_STREAM, LINES]) {
        const answer = await ask(app, `/room${token === undefined ? '' : `?token=${token}`}`, { headers: { accept } })
        assertError(t, answer, status, code)
        t.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined)
        t.notMatch(answer.text, token ?? 'token=x')
      }
    }
  })

  t.test('is told on a WebSocket by the close code', async (t) => {
    const app = await startService(t, ENV)
    for (const [token, code, reason] of [
      ['', 4401, 'MSG_ERR_TOKEN_REFUSED'], [goodJwt({ exp: seconds(-1) }), 4401, 'MSG_ERR_TOKEN_EXPIRED'], [goodJwt({ subscribe: ['other'] }), 4403, 'MSG_ERR_CHANNEL_FORBIDDEN']
    ] as const) t.match(await refusal(t, app, `/room?token=${token}`), { code, reason })
    t.match(await refusal(t, app, '/room'), { code: 4401, reason: 'MSG_ERR_TOKEN_REQUIRED' })
  })

  t.test('is sent away when its time is over', async (t) => {
    const app = await startService(t, ENV)
    const token = jwt({ subscribe: ['*'], exp: Date.now() / 1_000 + 1 })
    const subscription = await subscribe(t, app, `/room?token=${token}`)
    const { closed } = await stream(t, app, `/room?token=${token}`, LINES)
    t.match(await subscription.closed, { code: 4401, reason: 'MSG_ERR_TOKEN_EXPIRED' })
    await closed
    t.match(await refusal(t, app, `/room?token=${token}`), { code: 4401, reason: 'MSG_ERR_TOKEN_EXPIRED' })
  })

  t.test('needs none for public channels, nor where it has a token of publishers', async (t) => {
    const app = await startService(t, { ...ENV, PUBLIC_CHANNELS: 'news, open:*' })
    for (const channel of ['news', 'open:1']) await subscribe(t, app, `/${channel}`)
    await subscribe(t, app, '/room', { headers: { authorization: `Bearer ${TOKEN}` } })
    t.match(await refusal(t, app, `/room?token=${TOKEN}`), { code: 4401 })
  })

  t.test('may have it from any holder of the private key', async (t) => {
    const app = await startService(t, { TOKEN_PUBLIC_KEY: pem(KEYS.EdDSA.publicKey) + pem(KEYS.ES256.publicKey) })
    for (const alg of ['EdDSA', 'ES256']) await subscribe(t, app, `/room?token=${goodJwt({}, { alg })}`)
    t.match(await refusal(t, app, `/room?token=${goodJwt({}, { alg: 'RS256' })}`), { code: 4401 })
    t.equal(await rejection(startService(t, { TOKEN_PUBLIC_KEY: 'nonsense' })), 'MSG_ERR_CONFIG_INVALID')
  })

  t.test('may have a key that is fetched; while it cannot be, it is to try again later', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.RS256.publicKey))
    const app = await startService(t, { TOKEN_JWKS_URL: jwks.url })
    const token = goodJwt({ subscribe: ['room'] }, { alg: 'RS256' })
    jwks.status = 500
    const answer = await ask(app, `/room?token=${token}`)
    assertError(t, answer, 503, 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    t.ok(answer.headers['retry-after'])
    t.match(await refusal(t, app, `/room?token=${token}`), { code: 1013, reason: 'MSG_ERR_AUTHORIZATION_UNAVAILABLE' })
    jwks.status = 200
    // The set is not asked for every token that comes.
    await eventually(async () => (await ask(app, `/room?token=${token}`)).status === 200)
    await subscribe(t, app, `/room?token=${token}`)
    t.equal((await ask(app, `/room?token=${token}`)).status, 200)
    t.match(await refusal(t, app, `/other?token=${token}`), { code: 4403 })
  })
})

t.test('a host that decides', async (t) => {
  t.test('does so by its own sessions on every transport', async (t) => {
    const app = await startHost(t, { authorize: async ({ headers }, channel) => await Promise.resolve(headers.cookie === `user=${channel}`) })
    const headers = { cookie: 'user=room' }
    const subscription = await subscribe(t, app, '/room', { headers })
    const { response } = await stream(t, app, '/room', LINES, headers)
    t.equal(response.statusCode, 200)
    await app.channels.publish('room', 1)
    t.match(await subscription.next(), { message: 1 })
    assertError(t, await ask(app, '/other', { headers }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.match(await refusal(t, app, '/room'), { code: 4403, reason: 'MSG_ERR_CHANNEL_FORBIDDEN' })
  })

  t.test('may end it at a time', async (t) => {
    const app = await startHost(t, { authorize: () => ({ expiresAt: Date.now() + 300 }) })
    t.match(await (await subscribe(t, app, '/room')).closed, { code: 4401, reason: 'MSG_ERR_TOKEN_EXPIRED' })
  })

  t.test('logs failures of authorize: those with a status below 500 at debug, the rest as errors', async (t) => {
    const { lines, app } = await startLogged(t, { authorize: (_request, channel) => { throw Object.assign(new Error(`failed for ${channel}`), channel === 'mine' ? {} : { statusCode: 403 }) } }, 'debug')
    for (const channel of ['mine', 'yours']) assertError(t, await ask(app, `/${channel}`), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    const levels = lines.filter((line) => line.includes('authorize() failed')).map((line) => JSON.parse(line) as { level: number, err: { message: string } })
    t.match(levels, [{ level: 50, err: { message: 'failed for mine' } }, { level: 20, err: { message: 'failed for yours' } }])
  })

  t.test('does not subscribe clients that left before it answered', async (t) => {
    let asked = 0
    let answer: (yes: boolean) => void = () => undefined
    const decision = new Promise<boolean>((resolve) => { answer = resolve })
    const app = await startHost(t, { authorize: async () => { asked++; return await decision } })
    const pending = [LINES, '*/*'].map(async (accept) => { await stream(t, app, '/room?wait=60', accept) })
    pending.forEach((promise) => { promise.catch(() => undefined) })
    const { socket } = await subscribe(t, app, '/room')
    await eventually(() => asked === 3)
    socket.terminate()
    app.server.closeAllConnections()
    await eventually(async () => await countConnections(app) === 0)
    answer(true)
    t.equal(app.channels.subscriberCount('room'), 0)
    t.match((await ask(app, '/-/limits', { headers: publishHeaders() })).body, { connections: 0 })
  })
})

/** A host with a log that the test reads. */
async function startLogged (t: Test, options: MessengerOptions, level = 'info'): Promise<{ lines: string[], app: FastifyInstance }> {
  const lines: string[] = []
  const stream = new Writable({ write (chunk: Buffer, _encoding, done) { lines.push(chunk.toString()); done() } })
  const app = Fastify({ logger: { level, stream } }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(messenger, { token: TOKEN, drainMs: 1_000, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { lines, app }
}

t.test('the log of a host', async (t) => {
  t.test('has the URL of requests and never the token in it, however its name is encoded', async (t) => {
    const { lines, app } = await startLogged(t, { tokenSecret: SECRET })
    const tokens = [goodJwt(), goodJwt({ subscribe: [] }), 'made-up-secret']
    for (const token of tokens) {
      for (const name of ['token', '%74oken', 'to%6Ben', 'a=b&token']) {
        await ask(app, `/room?${name}=${token}`)
        const { socket } = await subscribe(t, app, `/room?since=now&${name}=${token}`)
        socket.terminate()
      }
    }
    const text = lines.join('')
    t.match(text, '/room?token=[hidden]')
    t.match(text, '/room?since=now&%74oken=[hidden]')
    for (const token of tokens) t.notMatch(text, token.split('.').at(-1))
    t.ok(lines.filter((line) => line.includes('incoming request')).length >= 24)
  })
})
