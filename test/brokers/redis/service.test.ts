import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { ask, assertError, publish, publishHeaders, startHost, startService } from '../../helper.js'
import { type Frame, type Subscription, subscribe } from '../../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../../streams.js'
import { eventually } from '../../eventually.js'
import { startProxy } from './proxy.js'
import { type RedisServer, startRedis } from './redis-server.js'
import { untimed } from '../../envelopes.js'

async function startServices (t: Test, server: RedisServer): Promise<[FastifyInstance, FastifyInstance]> {
  const env = { REDIS_URL: server.url, REDIS_KEY_PREFIX: 'svc:' }
  return [await startService(t, env), await startService(t, env)]
}

async function ready (app: FastifyInstance, expected: boolean): Promise<void> {
  await eventually(async () => (await ask(app, '/-/ready')).status === (expected ? 200 : 503), { message: expected ? 'ready' : 'not ready' })
}

/** Subscribes, and resolves when the service says that what is published from now on is delivered: an open WebSocket does not. */
async function listen (t: Test, app: FastifyInstance, channel: string): Promise<Subscription> {
  const subscription = await subscribe(t, app, `/${channel}?since=now`)
  t.match(await subscription.next(), { event: 'subscribed', recovered: true })
  return subscription
}

/** Frames up to the one that carries `last`. */
async function takeUntil (subscription: Subscription, last: unknown): Promise<Frame[]> {
  const frames: Frame[] = []
  do frames.push(await subscription.next())
  while (frames.at(-1)?.message !== last)
  return frames
}

t.test('Two services on one Redis', async (t) => {
  t.test('are one messenger: ids, order, counts, history and idempotency', async (t) => {
    const server = await startRedis(t)
    const [one, two] = await startServices(t, server)
    const subscribers = [await listen(t, one, 'room'), await listen(t, two, 'room'), await listen(t, two, 'room')]
    await eventually(() => one.channels.subscriberCount('room') === 3 && two.channels.subscriberCount('room') === 3, { message: 'three' })
    await listen(t, two, 'other')
    const all = { channels: [{ channel: 'other', subscribers: 1 }, { channel: 'room', subscribers: 3 }], more: false }
    for (const app of [one, two]) await eventually(async () => JSON.stringify(await app.channels.list()) === JSON.stringify(all), { message: 'the channels of both' })
    for (let number = 1; number <= 20; number++) {
      const { status, body } = await publish(number % 2 === 0 ? one : two, 'room', { number })
      t.match({ status, body }, { status: 200, body: { status: 'Message sent', subscribers: 3 } })
      for (const subscriber of subscribers) t.strictSame(untimed(await subscriber.next()), { channel: 'room', message: { number }, id: body['id'] })
    }
    const post = { method: 'POST', headers: publishHeaders({ 'idempotency-key': 'k' }), body: '{"message":"once"}' }
    const [first, again] = [await ask(one, '/send/room', post), await ask(two, '/send/room', post)]
    t.strictSame(again.body, { ...first.body, duplicate: true })
    assertError(t, await ask(two, '/send/room', { ...post, body: '{"message":"other"}' }), 422, 'MSG_ERR_IDEMPOTENCY_CONFLICT')
    const read = await ask(two, `/room?since=${String(first.body['id'])}`)
    t.match(read.body, { messages: [], id: first.body['id'], recovered: true })
    t.match((await ask(one, '/room?limit=100')).body, { messages: { length: 21 }, id: first.body['id'] })
    t.match((await ask(one, '/-/metrics', { headers: publishHeaders() })).text, /^messenger_history_bytes 0$/m, 'which is not in this process')
    const batch = await ask(one, '/send', { method: 'POST', headers: publishHeaders(), body: JSON.stringify({ messages: [{ channel: 'a', message: 1 }, { channel: 'b', message: 2 }, { channel: 'a', message: 3 }] }) })
    t.match(batch.body, { results: [{ channel: 'a', id: /:1$/ }, { channel: 'b', id: /:1$/ }, { channel: 'a', id: /:2$/ }] })
  })

  t.test('resume at the other one what was left at the first', async (t) => {
    const [one, two] = await startServices(t, await startRedis(t))
    const subscriber = await subscribe(t, one, '/room?since=now')
    const subscribed = await subscriber.next()
    t.match(subscribed, { event: 'subscribed', id: /:0$/, recovered: true })
    await subscriber.end()
    await publish(one, 'room', 1)
    const resumed = await subscribe(t, two, `/room?since=${subscribed.id}`)
    t.match(await resumed.next(), { event: 'subscribed', id: subscribed.id, recovered: true })
    t.match(await resumed.next(), { message: 1 })
  })

  t.test('answer 503 while Redis is away, stay live, keep their subscribers, and lose nothing', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const [one, two] = await startServices(t, server)
    const subscribers = [await listen(t, one, 'room'), await listen(t, two, 'room')]
    await publish(one, 'room', 'before')
    for (const subscriber of subscribers) t.match(await subscriber.next(), { message: 'before' })
    await server.kill()
    for (const app of [one, two]) {
      await ready(app, false)
      const answer = await publish(app, 'room', 'refused')
      assertError(t, answer, 503, 'MSG_ERR_ENGINE_UNAVAILABLE')
      t.match(answer.headers, { 'retry-after': /^[1-9]/ })
      t.match(await ask(app, '/-/live'), { status: 200 })
      t.match((await ask(app, '/-/ready')).headers, { 'retry-after': /^[1-9]/ })
      t.match(await ask(app, '/room'), { status: 503, headers: { 'retry-after': /^[1-9]/ } })
      const batch = await ask(app, '/send', { method: 'POST', headers: publishHeaders(), body: '{"channels":["a","b"],"message":1}' })
      t.match(batch.body, { results: [{ channel: 'a', error: { statusCode: 503, code: 'MSG_ERR_ENGINE_UNAVAILABLE' } }, { channel: 'b', error: { statusCode: 503 } }] })
    }
    await server.start()
    for (const app of [one, two]) await ready(app, true)
    for (const subscriber of subscribers) t.equal(subscriber.socket.readyState, subscriber.socket.OPEN)
    await publish(two, 'room', 'after')
    for (const subscriber of subscribers) t.match(await takeUntil(subscriber, 'after'), [{ event: 'subscribed', id: /:1$/, recovered: true }, { message: 'after', id: /:2$/ }])
  })

  t.test('tell each subscriber of the gap when Redis comes back without its data', async (t) => {
    const server = await startRedis(t)
    const [one, two] = await startServices(t, server)
    const plain = await subscribe(t, two, '/room')
    const told = await listen(t, two, 'room')
    await publish(one, 'room', 'before')
    t.match(await told.next(), { message: 'before' })
    t.match(await plain.next(), { message: 'before' })
    await server.restart()
    t.match(await told.next(), { event: 'subscribed', recovered: false, reason: 'epoch' })
    t.match(await plain.closed, { code: 1013 })
    await ready(one, true)
    await publish(one, 'room', 'after')
    t.match(await takeUntil(told, 'after'), [{ message: 'after', id: /:1$/ }])
  })

  t.test('start without Redis, keep new subscribers by heartbeats, and serve all of them as soon as it is there', async (t) => {
    const server = await startRedis(t)
    await server.kill()
    const app = await startService(t, { REDIS_URL: server.url })
    t.match(await ask(app, '/-/ready'), { status: 503 })
    assertError(t, await ask(app, '/room?since=now'), 503, 'MSG_ERR_ENGINE_UNAVAILABLE')
    const expired = await ask(app, '/room?wait=1')
    assertError(t, expired, 503, 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.match(expired.headers, { 'retry-after': /^[1-9]/ })
    const poll = ask(app, '/room?since=earliest&wait=60')
    const [asking, plain] = [await subscribe(t, app, '/room?since=earliest&heartbeat'), await subscribe(t, app, '/room')]
    const [lines, events] = [await stream(t, app, '/room', LINES), await stream(t, app, '/room', EVENT_STREAM)]
    t.equal(await asking.nextText(), '', 'a sign of life is the first thing to be heard')
    t.equal(await lines.next('\n'), '')
    t.match(await events.next('\n'), /^:/)
    t.equal(app.channels.subscriberCount('room'), 5)
    await server.start()
    await ready(app, true)
    const nextLine = async (): Promise<unknown> => {
      for (;;) {
        const line = await lines.next('\n')
        if (line !== '') return JSON.parse(line)
      }
    }
    const nextText = async (): Promise<unknown> => {
      for (;;) {
        const text = await asking.nextText()
        if (text !== '') return JSON.parse(text)
      }
    }
    t.match(await nextText(), { event: 'subscribed', id: /:0$/, recovered: true })
    t.match(await nextLine(), { event: 'subscribed', recovered: true })
    await eventually(async () => (await events.nextEvent())['event'] === 'subscribed', { message: 'the event' })
    // Nothing tells that a plain WebSocket is served; that everybody is, who came after it, does.
    await publish(app, 'room', 1)
    for (const answer of [await nextText(), await nextLine(), await plain.next()]) t.match(answer, { message: 1, id: /:1$/ })
    t.match(await poll, { status: 200, body: { messages: [{ message: 1 }], recovered: true } })
  })

  t.test('keep a subscriber that comes while Redis is away: it resumes, and the messages published elsewhere meanwhile come first', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const [one, two] = [await startService(t, { REDIS_URL: server.url }), await startService(t, { REDIS_URL: proxy.url })]
    const first = await publish(one, 'room', 1)
    proxy.deaf = true
    proxy.cut()
    await ready(two, false)
    const resuming = await subscribe(t, two, `/room?since=${String(first.body['id'])}`)
    const leaver = await subscribe(t, two, '/left?since=now')
    await leaver.end()
    await eventually(() => [...two.channels].join() === 'room', { message: 'the leaver is forgotten' })
    await publish(one, 'room', 2)
    proxy.deaf = false
    t.match(await resuming.take(2), [{ event: 'subscribed', id: first.body['id'], recovered: true }, { message: 2, id: /:2$/ }])
    await publish(one, 'room', 3)
    t.match(await resuming.next(), { message: 3, id: /:3$/ })
  })

  t.test('close the connections of waiting subscribers when they close', async (t) => {
    const server = await startRedis(t)
    await server.kill()
    const app = await startService(t, { REDIS_URL: server.url, DRAIN_SECONDS: '60' })
    const [waiting, lines] = [await subscribe(t, app, '/room?since=now'), await stream(t, app, '/room', LINES)]
    const poll = ask(app, '/room?wait=60')
    await eventually(() => app.channels.subscriberCount('room') === 3, { message: 'all are there' })
    await app.close()
    t.match(await waiting.closed, { code: 1012 })
    await lines.closed
    assertError(t, await poll, 503, 'MSG_ERR_CLOSED')
  })

  t.test('are no different from a plugin in a host, with a client of the host', async (t) => {
    const server = await startRedis(t)
    const client = server.connect(t)
    const host = await startHost(t, { redis: client, redisKeyPrefix: 'svc:' })
    const service = await startService(t, { REDIS_URL: server.url, REDIS_KEY_PREFIX: 'svc:' })
    const subscriber = await listen(t, service, 'room')
    const { id } = await host.channels.publish('room', { from: 'host' })
    t.strictSame(untimed(await subscriber.next()), { channel: 'room', message: { from: 'host' }, id })
    await host.close()
    t.equal(await client.ping(), 'PONG')
  })
})
