import { createHmac, generateKeyPairSync } from 'node:crypto'
import { Writable } from 'node:stream'
import Fastify from 'fastify'
import { createSigner } from 'fast-jwt'
import t from 'tap'
import messenger from '../../src/index.js'
import { eventually } from '../eventually.js'
import { startRedis } from '../brokers/redis/redis-server.js'
import { ask, assertError, publish, startHost, startService, TOKEN } from '../helper.js'
import { connectRaw, refusal, type Subscription, subscribe, upgradeRequest } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { bearer, SECRET, segment, shortToken, token } from '../tokens.js'

const PROTECTED = { TOKEN_SECRET: SECRET }

/** The close code and the reason of a WebSocket. */
async function closeOf (subscription: Subscription): Promise<string> {
  const { code, reason } = await subscription.closed
  return `${code} ${reason}`
}

t.test('attacks on tokens', async (t) => {
  t.test('a client without a token reads nothing on any transport', async (t) => {
    const app = await startService(t, PROTECTED)
    await publish(app, 'room', 'secret')
    for (const headers of [{}, { accept: EVENT_STREAM }, { accept: LINES }]) {
      const answer = await ask(app, '/room', { headers })
      assertError(t, answer, 401, 'MSG_ERR_TOKEN_REQUIRED')
      t.equal(answer.headers['www-authenticate'], 'Bearer')
    }
    assertError(t, await ask(app, '/room?wait=1'), 401, 'MSG_ERR_TOKEN_REQUIRED')
    t.strictSame(await refusal(t, app, '/room?since=earliest'), { code: 4401, reason: 'MSG_ERR_TOKEN_REQUIRED' })
    t.same([...app.channels], [])
  })

  t.test('the log contains no tokens, however they were sent', async (t) => {
    const lines: string[] = []
    const log = new Writable({ write (chunk: Buffer, _encoding, done) { lines.push(chunk.toString()); done() } })
    const app = Fastify({ logger: { level: 'trace', stream: log } })
    t.teardown(() => app.close())
    await app.register(messenger, { token: TOKEN, tokenSecret: SECRET, prefix: '/rt', authorize: () => { throw new Error('no') } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const good = token()
    const bad = token({}, 'another-secret-of-thirty-two-chars')
    for (const text of [good, bad]) {
      for (const name of ['token', '%74oken', 'since=now&token']) await ask(app, `/rt/room?${name}=${text}`)
      await ask(app, '/rt/room', { headers: bearer(text) })
      await ask(app, `/rt/a/b?token=${text}`)
      await ask(app, '/rt/send/room', { method: 'POST', headers: { ...bearer(text), 'content-type': 'application/json' }, body: '{"message":1}' })
      const { socket } = await subscribe(t, app, `/rt/room?token=${text}`)
      socket.terminate()
      const protocols = await subscribe(t, app, '/rt/room', {}, ['messenger', `token.${text}`])
      protocols.socket.terminate()
    }
    await ask(app, '/rt/-/tokens', { method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/json' }, body: '{"subscribe":["a"]}' })
    await app.close()
    const text = lines.join('')
    t.ok(lines.length > 20)
    for (const secret of [good, bad, SECRET, `Bearer ${TOKEN}`]) t.notMatch(text, secret)
    for (const part of [good, bad].map((each) => String(each.split('.')[2]))) t.notMatch(text, part)
  })

  t.test('a token signed with the public key, or unsigned, is refused', async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const app = await startService(t, { TOKEN_PUBLIC_KEY: pem })
    const claims = segment({ subscribe: ['*'], exp: Date.now() / 1_000 + 60 })
    const hmac = (header: object, key: string): string => {
      const input = `${segment(header)}.${claims}`
      return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
    }
    const forged = [
      hmac({ alg: 'HS256' }, pem), hmac({ alg: 'HS256' }, pem.trim()), hmac({ alg: 'RS256' }, pem),
      hmac({ alg: 'HS256', jwk: publicKey.export({ format: 'jwk' }) }, pem),
      `${segment({ alg: 'none' })}.${claims}.`, `${segment({ alg: 'None' })}.${claims}.`, `${segment({ alg: 'nOnE' })}.${claims}.AA`,
      `${segment({ alg: 'RS256' })}.${claims}.`, `${segment({ alg: ['none'] })}.${claims}.`, `${segment({})}.${claims}.`,
      `${segment({ alg: '__proto__' })}.${claims}.AA`, `${segment({ alg: 'constructor' })}.${claims}.AA`
    ]
    for (const text of forged) {
      assertError(t, await ask(app, '/room', { headers: bearer(text) }), 401, 'MSG_ERR_TOKEN_REFUSED', text)
    }
    const good = createSigner({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }), algorithm: 'RS256' })({ subscribe: ['*'], exp: Math.floor(Date.now() / 1_000) + 60 })
    t.equal((await ask(app, '/room', { headers: bearer(good) })).status, 200)
  })

  t.test('a token that brings its own key is refused', async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const app = await startService(t, { TOKEN_PUBLIC_KEY: other.publicKey.export({ type: 'spki', format: 'pem' }).toString() })
    const sign = createSigner({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }), algorithm: 'ES256', header: { alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }), jku: 'http://127.0.0.1:1/', kid: '../../dev/null' } })
    assertError(t, await ask(app, '/room', { headers: bearer(sign({ subscribe: ['*'], exp: Math.floor(Date.now() / 1_000) + 60 })) }), 401, 'MSG_ERR_TOKEN_REFUSED')
  })

  t.test('a token with changed claims is refused', async (t) => {
    const app = await startService(t, PROTECTED)
    const [header, , signature] = token({ subscribe: ['mine'] }).split('.')
    const changed = `${String(header)}.${segment({ subscribe: ['*'], exp: Date.now() / 1_000 + 60 })}.${String(signature)}`
    assertError(t, await ask(app, '/room', { headers: bearer(changed) }), 401, 'MSG_ERR_TOKEN_REFUSED')
  })

  t.test('a token that expires ends every kind of connection', async (t) => {
    const app = await startService(t, PROTECTED)
    const text = shortToken(400)
    const socket = await subscribe(t, app, `/room?since=now&token=${text}`)
    const lines = await stream(t, app, '/room?heartbeat=1', LINES, bearer(text))
    const events = await stream(t, app, '/room', EVENT_STREAM, bearer(text))
    const poll = ask(app, '/room?wait=60', { headers: bearer(text) })
    t.match(await socket.next(), { event: 'subscribed' })
    t.match(await lines.nextLine(), { event: 'subscribed' })
    t.match(await events.nextEvent(), { event: 'subscribed' })
    t.equal(await closeOf(socket), '4401 MSG_ERR_TOKEN_EXPIRED')
    t.match(await lines.nextLine(), { event: 'close', code: 4401 })
    await Promise.all([lines.closed, events.closed])
    t.match((await poll).body, { messages: [] })
    await eventually(() => [...app.channels].length === 0, { message: 'everybody gone' })
    assertError(t, await ask(app, '/room', { headers: bearer(text) }), 401, 'MSG_ERR_TOKEN_EXPIRED')
  })

  t.test('another spelling of a channel grants no more than the plain one', async (t) => {
    const app = await startService(t, { ...PROTECTED, PUBLIC_CHANNELS: 'public:*' })
    await publish(app, 'room:2', 'secret')
    const headers = bearer(token({ subscribe: ['room:1', 'public'] }))
    const spellings = [
      'room:2', 'room%3A2', '%72oom:2', 'room:%32', 'room%253A2', 'room:1%2f..%2froom:2', 'room:1%00', 'room:1%0a', 'room%EF%BC%9A2', 'room:%EF%BC%92',
      'ROOM:2', 'room:1/../room:2', 'public:x/../room:2', 'public:x%2F..%2Froom:2', '%2A', 'room:*', 'room:2;public:x', 'room:2?public:x', 'public', 'Public:x', '%70ublic%3A'
    ]
    for (const spelling of spellings) {
      const { text } = await ask(app, `/${spelling}`, { headers: spelling.includes('ublic') ? {} : headers })
      t.notMatch(text, 'secret', spelling)
    }
    for (const spelling of ['room:2', 'room%3A2', '%72oom:2']) assertError(t, await ask(app, `/${spelling}`, { headers }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN', spelling)
    t.equal((await ask(app, '/room%3A1', { headers })).status, 200)
    t.equal((await ask(app, '/public%3Ax')).status, 200)
  })

  t.test('a revoked token is refused at other instances, and its connections there are closed', async (t) => {
    const server = await startRedis(t)
    const env = { ...PROTECTED, REDIS_URL: server.url }
    const [one, two] = [await startService(t, env), await startService(t, env)]
    const [byId, bySubject] = [token({ jti: 'stolen' }), token({ sub: 'mallory' })]
    const there = [await subscribe(t, two, `/room?since=now&token=${byId}`), await subscribe(t, two, `/room?since=now&token=${bySubject}`)]
    for (const subscription of there) t.match(await subscription.next(), { event: 'subscribed' })
    for (const body of ['{"jti":"stolen"}', '{"sub":"mallory"}']) {
      t.match(await ask(one, '/-/revocations', { method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/json' }, body }), { status: 200, body: { status: 'Revoked' } })
    }
    for (const subscription of there) t.equal(await closeOf(subscription), '4401 MSG_ERR_TOKEN_REVOKED')
    const late = await startService(t, env)
    for (const app of [one, two, late]) {
      for (const text of [byId, bySubject]) assertError(t, await ask(app, '/room', { headers: bearer(text) }), 401, 'MSG_ERR_TOKEN_REVOKED')
    }
    t.equal((await ask(two, '/room', { headers: bearer(token({ sub: 'alice' })) })).status, 200)
  })

  t.test('a token in the subprotocols is not echoed as the chosen one', async (t) => {
    const app = await startService(t, PROTECTED)
    const text = token()
    for (const offered of [`messenger, token.${text}`, `token.${text}, messenger`, `token.${text}`]) {
      const connection = await connectRaw(t, app)
      connection.write(upgradeRequest('/room').replace('Host', `Sec-WebSocket-Protocol: ${offered}\r\nHost`))
      const head = await connection.readHead()
      t.match(head, /^HTTP\/1.1 101 /)
      t.notMatch(head, 'token')
      t.equal(head.includes('Sec-WebSocket-Protocol: messenger'), offered.includes('messenger'))
    }
  })

  t.test('after too many wrong tokens of publishers a right one is not told apart', async (t) => {
    const app = await startHost(t, { maxRefusedTokensPerMinute: 5 })
    const guess = async (text: string) => await ask(app, '/send/room', { method: 'POST', headers: { ...bearer(text), 'content-type': 'application/json' }, body: '{"message":1}' })
    for (let number = 0; number < 5; number++) assertError(t, await guess(`guess-${number}`), 403, 'MSG_ERR_TOKEN_INVALID')
    const limited = await guess(TOKEN)
    assertError(t, limited, 429, 'MSG_ERR_RATE_LIMITED')
    t.match(limited.headers['retry-after'], /^[1-9][0-9]*$/)
    t.equal(app.channels.limits.get('maxRefusedTokensPerMinute'), 1)
  })

  t.test('refused tokens do not lock out a good token for a channel from the same address', async (t) => {
    const app = await startService(t, { ...PROTECTED, MAX_REFUSED_TOKENS_PER_MINUTE: '2' })
    for (const expected of [401, 401, 429, 429]) t.equal((await ask(app, '/room', { headers: bearer('a.b.c') })).status, expected)
    t.equal((await ask(app, '/room', { headers: bearer(token()) })).status, 200)
    const { code, reason } = await refusal(t, app, '/room?token=a.b.c')
    t.strictSame({ code, reason }, { code: 1013, reason: 'MSG_ERR_RATE_LIMITED' })
  })
})
