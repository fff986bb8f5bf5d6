import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { hubOf } from '../../../src/channels/registry.js'
import { eventually } from '../../eventually.js'
import { type Answer, post, startService } from '../../helper.js'
import { subscribe, type Subscription } from '../../sockets.js'
import { EVENT_STREAM, stream } from '../../streams.js'
import { type RedisServer, startRedis } from './redis-server.js'

/** RECEIPT_RUNS=20 is the long form. */
const RUNS = Number(process.env['RECEIPT_RUNS'] ?? 2)

async function startServices (t: Test, server: RedisServer, count = 2): Promise<FastifyInstance[]> {
  return await Promise.all(Array.from({ length: count }, () => startService(t, { REDIS_URL: server.url, DRAIN_SECONDS: '1' })))
}

/** A WebSocket that takes frames, and acknowledges unless it is deaf. */
async function converse (t: Test, app: FastifyInstance, { deaf = false, channel = 'room' } = {}): Promise<Subscription> {
  const subscription = await subscribe(t, app, `/${channel}?frames`)
  await subscription.next()
  if (!deaf) subscription.socket.on('message', (data: Buffer) => { subscription.socket.send(ackOf(data)) })
  return subscription
}

function ackOf (data: Buffer): string {
  const { id, channel } = JSON.parse(data.toString()) as { id: string, channel: string }
  return JSON.stringify({ ack: id, channel })
}

async function wait (app: FastifyInstance | undefined, seconds: number, channel = 'room'): Promise<Answer> {
  return await post(app as FastifyInstance, `/send/${channel}`, { message: 1 }, { prefer: `wait=${seconds}` })
}

const NUMBERS = ({ body: { received, silent, unable } }: Answer): unknown[] => [received, silent, unable]

t.test('Receipts of two services on one Redis', async (t) => {
  t.test('count 200 subscribers, 20 of them deaf, and 10 event streams, exactly', { timeout: 600_000 }, async (t) => {
    const services = await startServices(t, await startRedis(t))
    const [one, two] = services as [FastifyInstance, FastifyInstance]
    await Promise.all(Array.from({ length: 200 }, (_, index) => converse(t, index % 2 === 0 ? one : two, { deaf: index % 10 === 7 })))
    await Promise.all(Array.from({ length: 10 }, (_, index) => stream(t, index % 3 === 0 ? one : two, '/room', EVENT_STREAM)))
    await eventually(() => services.every(({ channels }) => channels.subscriberCount('room') === 210), { message: 'all are counted' })
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now()
      const { headers, body } = await wait(run % 2 === 0 ? one : two, 2)
      const elapsed = performance.now() - start
      t.match(body, { subscribers: 210, received: 180, silent: 20, unable: 10 })
      t.equal(headers['preference-applied'], 'wait=2')
      const { p50, max } = body['latencyMs'] as { p50: number, max: number }
      t.ok(p50 > 0 && p50 <= max && max < elapsed, `${p50} ≤ ${max} < ${elapsed}`)
    }
    for (const { channels } of services) await eventually(() => hubOf(channels).receipts.size === 0, { message: 'nothing is waited for' })
  })

  t.test('arrive as soon as all subscribers of all instances have answered', async (t) => {
    const services = await startServices(t, await startRedis(t), 3)
    const [one, two, three] = services as [FastifyInstance, FastifyInstance, FastifyInstance]
    t.strictSame(NUMBERS(await wait(one, 30)), [0, 0, 0], 'no one')
    await converse(t, two)
    // Before its instance has told the others of it.
    t.strictSame(NUMBERS(await wait(one, 30)), [1, 0, 0], 'elsewhere')
    t.strictSame(NUMBERS(await wait(two, 30)), [1, 0, 0], 'here')
    await converse(t, one)
    await converse(t, three)
    await subscribe(t, three, '/room')
    for (const service of services) t.strictSame(NUMBERS(await wait(service, 30)), [3, 0, 1], 'everywhere')
    const ending = await converse(t, two, { deaf: true, channel: 'ending' })
    const answer = wait(one, 30, 'ending')
    await ending.next()
    ending.socket.terminate()
    t.strictSame(NUMBERS(await answer), [0, 1, 0], 'one that ends')
  })

  t.test('do not wait longer for an instance that is gone', async (t) => {
    const server = await startRedis(t)
    const [one, two] = await startServices(t, server) as [FastifyInstance, FastifyInstance]
    await converse(t, one)
    const deaf = await converse(t, two, { deaf: true })
    await eventually(() => one.channels.subscriberCount('room') === 2, { message: 'both are counted' })
    const answer = wait(one, 30)
    await deaf.next()
    const closing = two.close()
    t.strictSame(NUMBERS(await answer), [1, 1, 0], 'closed')
    await closing
  })

  t.test('survive a message that is read from the log', async (t) => {
    const server = await startRedis(t)
    const redis = server.connect(t)
    const [one, two] = await startServices(t, server) as [FastifyInstance, FastifyInstance]
    const subscriber = await converse(t, two)
    await eventually(() => one.channels.subscriberCount('room') === 1, { message: 'it is counted' })
    const { body } = await wait(one, 1)
    t.equal(body['received'], 1)
    await subscriber.next()
    // A message that was never announced, and one that shows that it is missing.
    const [epoch] = String(body['id']).split(':')
    await redis.hset('messenger:{room}:meta', 'head', 2)
    await redis.xadd('messenger:{room}:log', '2-1700000000000', 'm', '"lost"', 'r', 'nobody.1.1000')
    await redis.spublish('messenger:{room}:live', `${epoch}:3 `)
    t.match(await subscriber.next(), { message: 'lost', receipt: true })
    t.equal((await wait(one, 30)).body['received'], 1)
  })
})
