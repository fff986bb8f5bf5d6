import t from 'tap'
import { ask, assertError, publish, publishHeaders, startService, TOKEN } from '../helper.js'
import { connectRaw, subscribe } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { bearer, SECRET, segment, token } from '../tokens.js'

const BREAKS = ['\r\n', '\n', '\r', '\u2028', '\u2029', '\u0085', '\0']

t.test('injection', async (t) => {
  t.test('line breaks in ids, keys and positions add no header and no event', async (t) => {
    const app = await startService(t)
    await publish(app, 'room', 1)
    for (const text of BREAKS) {
      const position = encodeURIComponent(`e:1${text}X-Injected: 1${text}${text}data: injected`)
      for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
        const answer = await ask(app, `/room?since=${position}`, { headers: { accept } })
        assertError(t, answer, 400, 'MSG_ERR_SINCE_INVALID')
        t.notOk(answer.headers['x-injected'])
      }
      assertError(t, await ask(app, `/${encodeURIComponent(`room${text}X-Injected: 1`)}`), 400, 'MSG_ERR_CHANNEL_INVALID')
    }
    for (const raw of ['Last-Event-ID: e:1\rX: 1', 'Last-Event-ID: e:1\nX-Other 1', 'Idempotency-Key: a\rb', 'Authorization: Bearer a\nb c']) {
      const connection = await connectRaw(t, app)
      connection.write(`GET /room HTTP/1.1\r\nHost: test\r\nConnection: close\r\n${raw}\r\n\r\n`)
      t.match(await connection.readHead(), /^HTTP\/1.1 400 /, JSON.stringify(raw))
    }
  })

  t.test('line breaks in messages add no event and no line', async (t) => {
    const app = await startService(t)
    const events = await stream(t, app, '/room', EVENT_STREAM)
    const lines = await stream(t, app, '/room', LINES)
    await events.nextEvent()
    await lines.nextLine()
    const socket = await subscribe(t, app, '/room')
    const hostile = [...BREAKS.map((text) => `a${text}${text}event: close${text}id: x:9${text}data: {"forged":1}${text}${text}`), { ['k\r\n\r\ndata: 1']: '\r\n' }]
    const raw = '{\r\n"message"\n:\r[1,\r\n\r\n"data: 2"\n\n,{"event"\r:\n"close"}]}'
    for (const message of hostile) await publish(app, 'room', message)
    t.equal((await ask(app, '/send/room', { method: 'POST', headers: publishHeaders(), body: raw })).status, 200)
    for (const message of [...hostile, [1, 'data: 2', { event: 'close' }]]) {
      const event = await events.nextEvent()
      t.strictSame(Object.keys(event), ['id', 'data'])
      t.strictSame((JSON.parse(String(event['data'])) as { message: unknown }).message, message)
      t.strictSame((await lines.nextLine())['message'], message)
      t.strictSame((await socket.next()).message, message)
    }
  })

  t.test('__proto__ and constructor change no object but the message', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    const socket = await subscribe(t, app, `/room?token=${token()}`)
    const messages = ['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"a":{"__proto__":null}}']
    for (const message of messages) {
      t.equal((await ask(app, '/send/room', { method: 'POST', headers: publishHeaders(), body: `{"__proto__":{"polluted":1},"constructor":1,"message":${message}}` })).status, 200)
      t.match(await socket.nextText(), `"message":${message},`)
    }
    for (const body of ['{"__proto__":{"message":1}}', '{"messages":{"__proto__":[]}}', '{"messages":[{"__proto__":{"channel":"a","message":1}}]}']) {
      t.equal((await ask(app, '/send', { method: 'POST', headers: publishHeaders(), body })).status, 400, body)
    }
    for (const query of ['__proto__[since]=earliest', '__proto__=1', 'constructor[prototype][polluted]=1', 'since[__proto__]=1']) await ask(app, `/room?${query}&token=${token()}`)
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      t.match(await ask(app, `/send/${name}`, { method: 'POST', headers: publishHeaders(), body: '{"message":1}' }), { status: 200, body: { id: /:1$/, subscribers: 0 } }, name)
      t.equal(app.channels.subscriberCount(name), 0, name)
    }
    const [header] = token().split('.')
    for (const claims of ['{"__proto__":{"subscribe":["*"]},"exp":9999999999}', '{"subscribe":{"__proto__":["*"]},"exp":9999999999}']) {
      const { createHmac } = await import('node:crypto')
      const input = `${String(header)}.${Buffer.from(claims).toString('base64url')}`
      const { status } = await ask(app, '/room', { headers: bearer(`${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`) })
      t.ok(status === 401 || status === 403, claims)
    }
    for (const body of ['{"__proto__":{"sub":"a"}}', '{"subscribe":["a"],"__proto__":{"ttl":1}}']) {
      await ask(app, '/-/tokens', { method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/json' }, body })
    }
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
    t.equal(({} as Record<string, unknown>)['since'], undefined)
    t.equal(segment({}), 'e30')
  })

  t.test('errors contain no secrets', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    const answers = [
      await ask(app, '/-/tokens', { method: 'POST', headers: { ...bearer('wrong'), 'content-type': 'application/json' }, body: '{}' }),
      await ask(app, '/-/limits'), await ask(app, '/-/live'), await ask(app, '/-/ready'), await ask(app, `/a/b?token=${token()}`),
      await ask(app, '/room', { headers: bearer(token({}, 'another-secret-of-thirty-two-chars')) })
    ]
    for (const { text } of answers) for (const secret of [SECRET, TOKEN, 'eyJ']) t.notMatch(text, secret)
    t.notMatch(process.title, TOKEN)
  })
})
