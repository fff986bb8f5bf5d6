import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { ask, assertError, publish, publishHeaders, startHost, startService } from '../../helper.js'
import { type Frame, type Subscription, subscribe } from '../../sockets.js'
import { eventually } from './eventually.js'
import { type RedisServer, startRedis } from './redis-server.js'

async function startServices (t: Test, server: RedisServer): Promise<[FastifyInstance, FastifyInstance]> {
  const env = { REDIS_URL: server.url, REDIS_KEY_PREFIX: 'svc:' }
  return [await startService(t, env), await startService(t, env)]
}

async function ready (app: FastifyInstance, expected: boolean): Promise<void> {
  await eventually(expected ? 'ready' : 'not ready', async () => (await ask(app, '/-/ready')).status === (expected ? 200 : 503))
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
    await eventually('three', () => one.channels.subscriberCount('room') === 3 && two.channels.subscriberCount('room') === 3)
    for (let number = 1; number <= 20; number++) {
      const { status, body } = await publish(number % 2 === 0 ? one : two, 'room', { number })
      t.match({ status, body }, { status: 200, body: { status: 'Message sent', subscribers: 3 } })
      for (const subscriber of subscribers) t.strictSame(await subscriber.next(), { channel: 'room', message: { number }, id: body['id'] })
    }
    const post = { method: 'POST', headers: publishHeaders({ 'idempotency-key': 'k' }), body: '{"message":"once"}' }
    const [first, again] = [await ask(one, '/send/room', post), await ask(two, '/send/room', post)]
    t.strictSame(again.body, { ...first.body, duplicate: true })
    assertError(t, await ask(two, '/send/room', { ...post, body: '{"message":"other"}' }), 422, 'MSG_ERR_IDEMPOTENCY_CONFLICT')
    const read = await ask(two, `/room?since=${String(first.body['id'])}`)
    t.match(read.body, { messages: [], id: first.body['id'], recovered: true })
    t.match((await ask(one, '/room?limit=100')).body, { messages: { length: 21 }, id: first.body['id'] })
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
    for (const subscriber of subscribers) t.match(await takeUntil(subscriber, 'after'), [{ message: 'after', id: /:2$/ }])
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

  t.test('start without Redis, and serve as soon as it is there', async (t) => {
    const server = await startRedis(t)
    await server.kill()
    const app = await startService(t, { REDIS_URL: server.url })
    t.match(await ask(app, '/-/ready'), { status: 503 })
    const refused = await subscribe(t, app, '/room')
    t.match(await refused.closed, { code: 1013 })
    await server.start()
    await ready(app, true)
    const subscriber = await listen(t, app, 'room')
    await publish(app, 'room', 1)
    t.match(await subscriber.next(), { message: 1 })
  })

  t.test('are no different from a plugin in a host, with a client of the host', async (t) => {
    const server = await startRedis(t)
    const client = server.connect(t)
    const host = await startHost(t, { redis: client, redisKeyPrefix: 'svc:' })
    const service = await startService(t, { REDIS_URL: server.url, REDIS_KEY_PREFIX: 'svc:' })
    const subscriber = await listen(t, service, 'room')
    const { id } = await host.channels.publish('room', { from: 'host' })
    t.strictSame(await subscriber.next(), { channel: 'room', message: { from: 'host' }, id })
    await host.close()
    t.equal(await client.ping(), 'PONG')
  })
})
