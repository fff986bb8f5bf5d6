import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { ask, assertError, countConnections, ID, post, postRaw, publish, publishHeaders, startService, TOKEN } from '../helper.js'
import { connectRaw, subscribe, type Subscription } from '../sockets.js'
import { eventually } from '../eventually.js'
import { untimed, untimedText } from '../envelopes.js'

const HELLO = { message: 'hello' }

/** A service and a subscriber that sees whether anything of what a test does was delivered. */
async function watched (
  t: Test, env?: NodeJS.ProcessEnv
): Promise<{ app: FastifyInstance, watcher: Subscription, assertNothingDelivered: (t: Test) => Promise<void> }> {
  const app = await startService(t, env)
  const watcher = await subscribe(t, app, '/room')
  const assertNothingDelivered = async (t: Test): Promise<void> => {
    await app.channels.publish('room', 'sentinel')
    t.match(await watcher.next(), { message: 'sentinel', id: /:1$/ }, 'nothing was delivered or counted before')
  }
  return { app, watcher, assertNothingDelivered }
}

t.test('POST /send/:channel', async (t) => {
  t.test('answers 200 with the id and the number of subscribers, also when there is none', async (t) => {
    const app = await startService(t)
    const { status, headers, body } = await publish(app, 'room', 'hello')
    t.equal(status, 200)
    t.match(headers['content-type'], /^application\/json/)
    t.strictSame(Object.keys(body), ['status', 'id', 'subscribers'])
    t.match(body, { status: 'Message sent', id: ID, subscribers: 0 })
  })

  t.test('counts its messages 1, 2, 3 within one epoch, for each channel', async (t) => {
    const app = await startService(t)
    const ids: string[] = []
    for (const channel of ['a', 'a', 'b', 'a']) ids.push(String((await publish(app, channel, 1)).body['id']))
    const epoch = String(ids[0]?.split(':')[0])
    t.strictSame(ids, [`${epoch}:1`, `${epoch}:2`, `${epoch}:1`, `${epoch}:3`])
  })

  t.test('delivers to every subscriber of the channel and to no other, under the id of the answer', async (t) => {
    const app = await startService(t)
    const [first, second, other] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room'), await subscribe(t, app, '/other')]
    const { body } = await publish(app, 'room', { text: 'hello' })
    t.equal(body['subscribers'], 2)
    const frame = { channel: 'room', message: { text: 'hello' }, id: body['id'] }
    t.strictSame(untimed(await first.next()), frame)
    t.strictSame(untimed(await second.next()), frame)
    await publish(app, 'other', 'sentinel')
    t.match(await other.next(), { channel: 'other', message: 'sentinel' })
    t.strictSame([first.unread, second.unread], [0, 0])
  })

  t.test('takes percent-encoded names, every character that a name may have, and 100 of them', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/a%3Ab')
    t.equal((await publish(app, 'a%3ab', 1)).status, 200)
    t.equal((await publish(app, '%61:b', 2)).status, 200)
    t.match(await subscription.take(2), [{ channel: 'a:b', message: 1 }, { channel: 'a:b', message: 2 }])
    for (const name of ['Az09_.:@=+~-', 'a'.repeat(100), '%61'.repeat(100), '__proto__', 'constructor', 'send', 'Client.js', 'client.js.map']) {
      t.equal((await publish(app, name, 1)).status, 200, name)
    }
  })

  t.test('takes application/json with parameters, in any case, and with a byte order mark', async (t) => {
    const app = await startService(t)
    for (const type of ['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON']) {
      t.equal((await post(app, '/send/room', HELLO, { 'content-type': type })).status, 200, type)
    }
    t.equal((await postRaw(app, '/send/room', '\ufeff{"message":1}')).status, 200)
  })
})

t.test('POST /send/:channel without the right token', async (t) => {
  t.test('answers 401 with WWW-Authenticate when the bearer token is missing or malformed, and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    const values = [undefined, '', 'Bearer', 'Bearer ', 'Bearer  ', 'Basic dXNlcjpwYXNz', `Token ${TOKEN}`, TOKEN, `Bearer${TOKEN}`, `Bearer ${TOKEN} more`, `Bearer é${TOKEN}`, `Bearer "${TOKEN}\t"`, `Basic ${TOKEN}`]
    for (const authorization of values) {
      const answer = await post(app, '/send/room', HELLO, { authorization })
      assertError(t, answer, 401, 'MSG_ERR_TOKEN_MISSING', JSON.stringify(authorization))
      t.equal(answer.headers['www-authenticate'], 'Bearer')
    }
    await assertNothingDelivered(t)
  })

  t.test('answers 403 when the token is another one, and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    for (const token of ['wrong', TOKEN.toUpperCase(), TOKEN.slice(0, -1), `${TOKEN}x`, 'default-secret', 'x'.repeat(5_000), 'undefined', '0']) {
      const answer = await post(app, '/send/room', HELLO, { authorization: `Bearer ${token}` })
      assertError(t, answer, 403, 'MSG_ERR_TOKEN_INVALID')
      t.equal(answer.headers['www-authenticate'], undefined)
    }
    await assertNothingDelivered(t)
  })

  t.test('says nothing about the token, and nothing about the request', async (t) => {
    const app = await startService(t)
    for (const [path, body] of [['/send/room', '{}'], ['/send/%20', '{"message":1}'], ['/send/client.js', 'not json'], ['/send/', ''], ['/send/a/b', '{"message":1}']] as const) {
      const missing = await ask(app, path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      assertError(t, missing, 401, 'MSG_ERR_TOKEN_MISSING', path)
      const wrong = await ask(app, path, { method: 'POST', headers: publishHeaders({ authorization: 'Bearer a-wrong-one' }), body })
      assertError(t, wrong, 403, 'MSG_ERR_TOKEN_INVALID', path)
      for (const { text } of [missing, wrong]) t.notMatch(text, /test-token|a-wrong-one/)
    }
  })

  t.test('takes any of several tokens, and the scheme in any case', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: 'old, new' })
    for (const authorization of ['Bearer old', 'Bearer new', 'bearer old', 'BEARER new']) {
      t.equal((await post(app, '/send/room', HELLO, { authorization })).status, 200, authorization)
    }
    for (const authorization of ['Bearer old,new', 'Bearer oldnew', 'Bearer ,']) {
      assertError(t, await post(app, '/send/room', HELLO, { authorization }), 403, 'MSG_ERR_TOKEN_INVALID', authorization)
    }
  })
})

t.test('POST /send/:channel with a body that is refused', async (t) => {
  t.test('answers 400 when the message is missing, null or "", and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    for (const body of ['{}', '{"message":null}', '{"message":""}', '{"messages":"x"}', '{"Message":"x"}', '{ "message" : null }', '{"message":"x","message":null}', '{"__proto__":{"message":"x"}}']) {
      assertError(t, await postRaw(app, '/send/room', body), 400, 'MSG_ERR_MESSAGE_MISSING', body)
    }
    await assertNothingDelivered(t)
  })

  t.test('answers 400 when it is not a JSON object in UTF-8, and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    const bodies = [
      '', ' ', 'hello', '{', '{"message":"x"', '{"message":"x"}}', '{message:"x"}', "{'message':'x'}", '{"message":undefined}', '{"message":"x",}', '{"message":01}', '{"message":"\n"}', '{"message":NaN}',
      '[]', '[{"message":"x"}]', '"message"', '1', 'true', 'null', '\u0000', '{"message":"x"}\u0000'
    ]
    for (const body of bodies) assertError(t, await postRaw(app, '/send/room', body), 400, 'MSG_ERR_BODY_INVALID', JSON.stringify(body))
    const invalid = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0xaf], [0xe2, 0x82]]
    for (const bytes of invalid) {
      const body = Buffer.concat([Buffer.from('{"message":"'), Buffer.from(bytes), Buffer.from('"}')])
      assertError(t, await postRaw(app, '/send/room', body), 400, 'MSG_ERR_BODY_INVALID', body.toString('hex'))
    }
    assertError(t, await postRaw(app, '/send/room', Buffer.from('{"message":"x"}', 'utf16le')), 400, 'MSG_ERR_BODY_INVALID')
    await assertNothingDelivered(t)
  })

  t.test('answers 413 when the message is too large, and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t, { MAX_MESSAGE_BYTES: '1000' })
    for (const message of ['x'.repeat(999), 'x'.repeat(10_000), 'x'.repeat(1_000_000), '€'.repeat(333), [...Array(400).keys()]]) {
      assertError(t, await publish(app, 'room', message), 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
    }
    const chunked = await post(app, '/send/room', { message: 'x'.repeat(100_000) }, { 'transfer-encoding': 'chunked' })
    assertError(t, chunked, 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
    await assertNothingDelivered(t)
  })

  t.test('answers before all of it came, reads on and keeps the connection', async (t) => {
    const app = await startService(t)
    const connection = await connectRaw(t, app)
    const head = `POST /send/room HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`
    const rest = 'x'.repeat(8_000_000)
    for (const [request, status] of [
      [`${head}Content-Length: ${rest.length}\r\n\r\n${rest}`, 413],
      [`${head}Transfer-Encoding: chunked\r\n\r\n${rest.length.toString(16)}\r\n${rest}\r\n0\r\n\r\n`, 413],
      [`${head}Content-Length: 1\r\n\r\n{`, 400],
      [`${head}Content-Length: 13\r\n\r\n{"message":1}`, 200]
    ] as const) {
      connection.write(request)
      const answer = await connection.readHead()
      t.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      t.notMatch(answer, /connection: close/i)
      await connection.readBytes(Number(/content-length: (\d+)/.exec(answer)?.[1]))
    }
  })

  t.test('is not read without end: what is announced as too much ends the connection, and so does what becomes too much', async (t) => {
    const app = await startService(t)
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    for (const [token, status] of [[TOKEN, 413], ['wrong', 403]] as const) {
      const head = `POST /send/room HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`
      const announced = await connectRaw(t, app)
      announced.write(`${head}Content-Length: 100000000000\r\n\r\n`)
      t.match(await announced.readHead(), new RegExp(`^HTTP/1.1 ${status} [^]*connection: close`, 'i'))
      await announced.closed
      const chunked = await connectRaw(t, app)
      chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)
      t.match(await chunked.readHead(), new RegExp(`^HTTP/1.1 ${status} `))
      let written = 1
      for (; written < 200 && chunked.socket.writable; written++) if (!chunked.socket.write(chunk)) await new Promise<void>((resolve) => { chunked.socket.once('drain', resolve); void chunked.closed.then(resolve) })
      t.ok(written < 40, `${written} MiB`)
      await chunked.closed
    }
    await eventually(async () => await countConnections(app) === 0)
  })

  t.test('takes a message of exactly the limit, which it counts in bytes', async (t) => {
    const app = await startService(t, { MAX_MESSAGE_BYTES: '1000' })
    t.equal((await publish(app, 'room', 'x'.repeat(998))).status, 200)
    t.equal((await publish(app, 'room', '€'.repeat(332) + 'xx')).status, 200)
    assertError(t, await publish(app, 'room', '€'.repeat(332) + 'xxx'), 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
  })

  t.test('takes 64 KiB by default', async (t) => {
    const app = await startService(t)
    t.equal((await publish(app, 'room', 'x'.repeat(65_534))).status, 200)
    assertError(t, await publish(app, 'room', 'x'.repeat(65_535)), 413, 'MSG_ERR_MESSAGE_TOO_LARGE')
  })

  t.test('answers 415 for any other media type, and delivers nothing', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'application/xml', 'application/vnd.api+json', 'text/json', 'json', '*/*', ';']) {
      assertError(t, await post(app, '/send/room', HELLO, { 'content-type': type }), 415, 'MSG_ERR_MEDIA_TYPE', type)
    }
    assertError(t, await post(app, '/send/room', HELLO, { 'content-type': undefined }), 415, 'MSG_ERR_MEDIA_TYPE', 'none')
    await assertNothingDelivered(t)
  })

  t.test('answers 400 when there is no body at all', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    const headers = publishHeaders({ 'content-type': undefined })
    assertError(t, await ask(app, '/send/room', { method: 'POST', headers }), 400, 'MSG_ERR_BODY_INVALID')
    await assertNothingDelivered(t)
  })
})

t.test('POST /send/:channel with a name that is refused', async (t) => {
  t.test('answers 400 when it breaks the rule, however it is encoded', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    const names = [
      '%20', 'a%20b', '.room', '..', '%2E%2E', '-room', ':room', '@room', '~room', '%2Froom', 'a%2Fb', 'a%2fb', 'a%5Cb', 'r%C3%B6%C3%B6m', '%F0%9F%8E%89',
      'room%00', 'room%0A', 'room%0D%0A', '%7Bchannel%7D', 'a*', 'a!', "a'", 'a(b)', 'a,b', 'a;b', 'a$b', 'a&b', 'a%25', 'a%23b', 'a%3Fb', 'a%22b', '%EF%BB%BFroom', 'a'.repeat(101), '%61'.repeat(101), 'a'.repeat(4_000)
    ]
    for (const name of names) assertError(t, await post(app, `/send/${name}`, HELLO), 400, 'MSG_ERR_CHANNEL_INVALID', name)
    await assertNothingDelivered(t)
  })

  t.test('answers 400 when there is none, or more than one segment', async (t) => {
    const app = await startService(t)
    for (const path of ['/send/', '/send//', '/send/a/b', '/send//a', '/send/a/', `/send/${'a'.repeat(5_000)}`]) {
      assertError(t, await post(app, path, HELLO), 400, 'MSG_ERR_CHANNEL_INVALID', path)
    }
  })

  t.test('answers 400 when it is that of a file that is served', async (t) => {
    const app = await startService(t)
    for (const name of ['client.js', 'client.mjs', 'index.html', 'client%2Ejs', '%63lient.js']) {
      assertError(t, await post(app, `/send/${name}`, HELLO), 400, 'MSG_ERR_CHANNEL_RESERVED', name)
    }
  })

  t.test('answers 400 when its percent-encoding is malformed', async (t) => {
    const { app, assertNothingDelivered } = await watched(t)
    for (const name of ['%E0%A4%A', '%', 'room%', '%zz', '%C3%28', '%ff']) {
      assertError(t, await post(app, `/send/${name}`, HELLO), 400, 'MSG_ERR_URL_INVALID', name)
    }
    await assertNothingDelivered(t)
  })
})

t.test('a message', async (t) => {
  const texts: Record<string, string> = {
    zero: '0',
    'minus zero': '-0',
    false: 'false',
    true: 'true',
    'an empty array': '[]',
    'an empty object': '{}',
    'a space': '" "',
    'an array of nothing': '[null,"",[],{}]',
    'a nested object': '{"a":{"b":[1,{"c":null}],"d":""}}',
    'an object nested 500 deep': '{"a":'.repeat(500) + '1' + '}'.repeat(500),
    'a big integer': '12345678901234567890123',
    'many digits': '0.10000000000000000000000000001',
    'a number beyond all doubles': '[1e400,-1E+400,1.50,1e-7]',
    'keys in their order, integers among them': '{"b":1,"10":2,"a":3,"2":4,"1":5}',
    'a repeated key': '{"a":1,"a":2}',
    '__proto__ and constructor': '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    'an emoji': '"🎉👩‍👩‍👧 é ü \\ud83c\\udf89"',
    'half a surrogate pair': '"\\ud83c"',
    escapes: '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u2028"',
    'line separators': '"\u2028\u2029\u0085"',
    'a string of 60 KiB': `"${'0123456789abcdef'.repeat(3_840)}"`,
    'a string that looks like an envelope': '"\\",\\"id\\":\\"x:1\\"}"',
    'an object that looks like an envelope': '{"channel":"other","message":1,"id":"x:1"}',
    'its own markup': '"<script>alert(1)</script>"'
  }

  t.test('reaches subscribers letter for letter, whatever JSON value it is', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    for (const [name, text] of Object.entries(texts)) {
      const { status, body } = await postRaw(app, '/send/room', `{"message":${text}}`)
      t.equal(status, 200, name)
      t.equal(untimedText(await subscription.nextText()), `{"channel":"room","message":${text},"id":"${String(body['id'])}"}`, name)
    }
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  t.test('comes out on one line and with the same value when its body was pretty-printed', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    const message = { b: [1, 'two\nlines', { c: null }], 1: { a: '  ' } }
    for (const [space, lineBreak] of [[2, '\n'], ['\t', '\n'], [2, '\r\n'], [1, '\r']] as const) {
      const body = JSON.stringify({ other: [1], message, more: {} }, undefined, space).replaceAll('\n', lineBreak)
      t.equal((await postRaw(app, '/send/room', body)).status, 200)
      const text = await subscription.nextText()
      t.notMatch(text, /[\r\n]/)
      t.strictSame((JSON.parse(text) as { message: unknown }).message, message)
    }
  })

  t.test('is what JSON.parse takes it for when the body repeats it or hides it', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    for (const body of ['{"message":1,"message":2}', '{"x":{"message":1},"message":2}', '{"x":"\\"message\\":1","message":2}', '{"message":1,"\\u006dessage":2}', '{"message":2,"x":[{"message":1}]}']) {
      t.equal((await postRaw(app, '/send/room', body)).status, 200, body)
      t.equal((await subscription.next()).message, 2, body)
    }
  })
})
