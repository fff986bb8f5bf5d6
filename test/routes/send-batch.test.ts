import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { type Answer, ask, assertError, post, postRaw, startHost, startService } from '../helper.js'
import { subscribe } from '../sockets.js'

t.test('POST /send', async (t) => {
  t.test('publishes up to 1,000 messages in their order', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    const messages = Array.from({ length: 1_000 }, (_, index) => ({ channel: index % 2 === 0 ? 'room' : 'other', message: index }))
    const { status, body } = await post(app, '/send', { messages })
    t.equal(status, 200)
    t.equal(body['status'], 'Messages sent')
    const results = body['results'] as { channel: string, id: string, subscribers: number }[]
    t.strictSame(results.map(({ channel }) => channel), messages.map(({ channel }) => channel))
    t.match([results[0], results[1], results[998]], [{ id: /:1$/, subscribers: 1 }, { id: /:1$/, subscribers: 0 }, { id: /:500$/ }])
    t.strictSame((await subscription.take(500)).map(({ message }) => message), messages.filter(({ channel }) => channel === 'room').map(({ message }) => message))
  })

  t.test('publishes one message to several channels', async (t) => {
    const app = await startService(t)
    const [one, two] = [await subscribe(t, app, '/one'), await subscribe(t, app, '/two')]
    const { body } = await post(app, '/send', { channels: ['one', 'two'], message: { to: 'both' } }, { 'idempotency-key': 'k' })
    t.match(body, { results: [{ channel: 'one', id: /:1$/, subscribers: 1 }, { channel: 'two', id: /:1$/, subscribers: 1 }] })
    t.match([await one.next(), await two.next()], [{ message: { to: 'both' } }, { message: { to: 'both' } }])
    t.match((await post(app, '/send', { channels: ['one', 'two'], message: { to: 'both' } }, { 'idempotency-key': 'k' })).body, { results: [{ duplicate: true }, { duplicate: true }] })
  })

  t.test('carries messages as they were written', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    await postRaw(app, '/send', '{"messages": [ {"message": {"2":1, "1":12345678901234567890,\n"__proto__":null} , "channel":"room"} ]}')
    t.match(await subscription.nextText(), /"message":\{"2":1, "1":12345678901234567890,"__proto__":null\},/)
  })

  t.test('refuses the whole request for one malformed entry, names its index, and delivers nothing', async (t) => {
    const app = await startService(t)
    const good = { channel: 'room', message: 1 }
    const cases: [unknown, string, number, RegExp][] = [
      [{ channel: 'a b', message: 1 }, 'MSG_ERR_CHANNEL_INVALID', 400, /^Entry 1: /],
      [{ channel: 'client.js', message: 1 }, 'MSG_ERR_CHANNEL_RESERVED', 400, /^Entry 1: /],
      [{ channel: 'room', message: null }, 'MSG_ERR_MESSAGE_MISSING', 400, /^Entry 1: /],
      [{ channel: 'room', message: 'x'.repeat(70_000) }, 'MSG_ERR_MESSAGE_TOO_LARGE', 413, /^Entry 1: /],
      [{ ...good, idempotencyKey: '' }, 'MSG_ERR_IDEMPOTENCY_KEY_INVALID', 400, /^Entry 1: /],
      [{ channel: 'room' }, 'MSG_ERR_BATCH_INVALID', 400, /messages\/1\/message/],
      [{ message: 1 }, 'MSG_ERR_BATCH_INVALID', 400, /messages\/1\/channel/],
      ['room', 'MSG_ERR_BATCH_INVALID', 400, /messages\/1/]
    ]
    for (const [entry, code, status, message] of cases) {
      const answer = await post(app, '/send', { messages: [good, entry] })
      assertError(t, answer, status, code, code)
      t.match(answer.body['message'], message)
    }
    assertError(t, await post(app, '/send', { channels: ['room', 'a b'], message: 1 }), 400, 'MSG_ERR_CHANNEL_INVALID')
    t.match(await app.channels.publish('room', 'sentinel'), { id: /:1$/ })
  })

  t.test('refuses what has none of the two forms', async (t) => {
    const app = await startService(t)
    const bodies: unknown[] = [{}, { message: 1 }, { messages: 1 }, { channels: 'room', message: 1 }, { messages: [], channels: [], message: 1 }, { messages: Array.from({ length: 1_001 }, () => ({ channel: 'a', message: 1 })) }]
    for (const body of bodies) assertError(t, await post(app, '/send', body), 400, 'MSG_ERR_BATCH_INVALID')
    assertError(t, await post(app, '/send', { channels: ['a'] }), 400, 'MSG_ERR_MESSAGE_MISSING')
    assertError(t, await post(app, '/send', { messages: [{ channel: 'a', message: 1 }] }, { 'idempotency-key': 'k' }), 400, 'MSG_ERR_BATCH_INVALID')
    for (const body of ['[]', '1', 'null']) assertError(t, await postRaw(app, '/send', body), 400, 'MSG_ERR_BODY_INVALID')
    assertError(t, await ask(app, '/send', { method: 'POST', body: '{}' }), 401, 'MSG_ERR_TOKEN_MISSING')
  })

  t.test('answers in its place for what fails later', async (t) => {
    const app = await startService(t)
    const { body } = await post(app, '/send', { messages: [{ channel: 'room', message: 1, idempotencyKey: 'k' }, { channel: 'room', message: 2, idempotencyKey: 'k' }] })
    t.match(body, { results: [{ id: /:1$/ }, { channel: 'room', error: { statusCode: 422, code: 'MSG_ERR_IDEMPOTENCY_CONFLICT', error: 'Unprocessable Entity', message: /new key/ } }] })
  })
})

t.test('Idempotency-Key', async (t) => {
  async function send (app: FastifyInstance, message: unknown, key: string | string[], channel = 'room'): Promise<Answer> {
    return await post(app, `/send/${channel}`, { message }, { 'idempotency-key': key })
  }

  t.test('delivers once and answers like the first time', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    const first = await send(app, { n: 1 }, 'k')
    const second = await send(app, { n: 1 }, 'k')
    t.strictSame(second.body, { ...first.body, duplicate: true })
    await app.channels.publish('room', 'sentinel')
    t.match(await subscription.take(2), [{ message: { n: 1 } }, { message: 'sentinel', id: /:2$/ }])
    t.notOk('duplicate' in (await send(app, { n: 1 }, 'k', 'other')).body, 'a key is that of its channel')
  })

  t.test('lets racing requests deliver once, all with the same id', async (t) => {
    const app = await startService(t)
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(app, 'raced', 'k')))
    t.equal(new Set(answers.map(({ body }) => body['id'])).size, 1)
    t.equal(answers.filter(({ body }) => body['duplicate'] === undefined).length, 1)
    t.match(await app.channels.publish('room', 'next'), { id: /:2$/ })
  })

  t.test('refuses another message under the same key, and what is no key', async (t) => {
    const app = await startService(t)
    await send(app, 1, 'k')
    assertError(t, await send(app, 2, 'k'), 422, 'MSG_ERR_IDEMPOTENCY_CONFLICT')
    for (const key of ['', 'x'.repeat(256), 'ä']) assertError(t, await send(app, 1, key), 400, 'MSG_ERR_IDEMPOTENCY_KEY_INVALID')
    t.equal((await send(app, 1, 'x'.repeat(255))).status, 200)
  })

  t.test('is the same in process', async (t) => {
    const app = await startHost(t)
    const { id } = await app.channels.publish('room', 1, { idempotencyKey: 'k' })
    t.match(await app.channels.publish('room', 1, { idempotencyKey: 'k' }), { id, duplicate: true })
    t.match(await app.channels.publishAll([{ channel: 'room', message: 1, idempotencyKey: 'k' }]), [{ channel: 'room', id, duplicate: true }])
    await t.rejects(app.channels.publish('room', 2, { idempotencyKey: 'k' }), { code: 'MSG_ERR_IDEMPOTENCY_CONFLICT' })
  })
})
