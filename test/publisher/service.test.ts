import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createPublisher, type Publication, RawJson } from '../../src/publisher/index.js'
import { startRedis } from '../brokers/redis/redis-server.js'
import { freePort } from '../../scripts/free-port.mjs'
import { eventually } from '../eventually.js'
import { ask, origin, startService, TOKEN } from '../helper.js'
import { LINES, stream } from '../streams.js'

// As it is shipped, so that it starts at once.
const SERVER = fileURLToPath(new URL('../../dist/src/server.js', import.meta.url))
/** How often the service and Redis are killed: `RESTARTS=5 npm run unit -- test/publisher/service.test.ts`. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 2)
const CHANNELS = 8
const MESSAGES = 150 * RESTARTS
const TIMEOUT_MS = 60_000 + 60_000 * RESTARTS

t.setTimeout(TIMEOUT_MS)

/** The messages of a channel that the service has, in order. */
async function kept (server: string, channel: string): Promise<unknown[]> {
  const response = await fetch(`${server}/${channel}?since=earliest&limit=1000`)
  return (await response.json() as { messages: { message: unknown }[] }).messages.map(({ message }) => message)
}

t.test('a publisher and the service', async (t) => {
  t.test('agree on batches, receipts that there are none of, conflicts and refusals', async (t) => {
    const app = await startService(t)
    const publisher = createPublisher({ server: origin(app), token: async () => Promise.resolve(TOKEN) })
    const listener = await stream(t, app, '/a?since=now', LINES)
    await listener.nextLine()
    const results = await Promise.all(Array.from({ length: 300 }, (_, index) => publisher.publish(index % 2 === 0 ? 'a' : 'b', index)))
    t.match(results[0], { id: /:1$/, subscribers: 1 })
    t.match(results[299], { id: /:150$/, subscribers: 0 })
    for (let index = 0; index < 150; index++) t.match(await listener.nextLine(), { message: 2 * index })
    await publisher.publish('c', new RawJson('{"n":12345678901234567890}'))
    t.match((await ask(app, '/c')).text, '"message":{"n":12345678901234567890}')
    const once = await publisher.publish('d', 1, { idempotencyKey: 'k' })
    t.strictSame(await publisher.publish('d', 1, { idempotencyKey: 'k', waitMs: 1 }), { ...once, duplicate: true })
    const attempts = await Promise.allSettled([
      publisher.publish('e', 1), publisher.publish('client.js', 1), publisher.publish('e', 'x'.repeat(70_000)), publisher.publish('d', 2, { idempotencyKey: 'k' }), publisher.publish('e', 2)
    ])
    t.strictSame(attempts.map((attempt) => attempt.status === 'rejected' ? (attempt.reason as { code: string }).code : (attempt.value.id.split(':')[1])), ['1', 'MSG_ERR_CHANNEL_RESERVED', 'MSG_ERR_MESSAGE_TOO_LARGE', 'MSG_ERR_IDEMPOTENCY_CONFLICT', '2'])
    await publisher.close()
  })

  t.test('wait for each other where the publisher sends too much', async (t) => {
    const app = await startService(t, { MAX_PUBLISHES_PER_SECOND: '200' })
    let retries = 0
    const publisher = createPublisher({ server: origin(app), token: TOKEN, onRetry () { retries++ } })
    for (let index = 0; index < 450; index++) {
      void publisher.publish('a', index)
      if (index % 150 === 149) await publisher.flush()
    }
    await publisher.close()
    t.ok(retries > 0)
    t.equal(app.channels.limits.get('maxPublishesPerSecond') === 0, false)
    t.strictSame((await kept(origin(app), 'a')).length, 100)
  })

  t.test('lose nothing, deliver nothing twice and keep the order while the service and its Redis are killed and started again', { timeout: TIMEOUT_MS }, async (t) => {
    const redis = await startRedis(t, { tcp: true, appendOnly: true })
    const port = await freePort()
    const server = `http://127.0.0.1:${port}`
    let service = await startProcess(t, redis.url, port)
    const failures: unknown[] = []
    const publisher = createPublisher({ server, token: TOKEN, maxBodyBytes: 4_096, onError (error) { failures.push(error) } })

    const acknowledged: Promise<Publication>[] = []
    let published = 0
    const load = (async () => {
      for (; published < MESSAGES; published++) {
        for (let channel = 0; channel < CHANNELS; channel++) acknowledged.push(publisher.publish(`c${channel}`, published))
        // As it goes on while nothing is confirmed, it is bounded by the queue.
        await eventually(() => publisher.pending < 40 * CHANNELS, { within: TIMEOUT_MS })
      }
    })()
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await eventually(() => published >= restart * MESSAGES / (RESTARTS + 1), { within: TIMEOUT_MS, message: () => `${published} messages` })
      service.kill('SIGKILL')
      await Promise.all([redis.kill(), once(service, 'close')])
      await redis.start()
      service = await startProcess(t, redis.url, port)
    }
    await load
    await publisher.close()
    t.strictSame(failures, [])
    const results = await Promise.all(acknowledged)
    t.ok(results.some(({ duplicate }) => duplicate), 'an attempt was repeated whose message was kept')
    const expected = Array.from({ length: MESSAGES }, (_, index) => index)
    for (let channel = 0; channel < CHANNELS; channel++) t.strictSame(await kept(server, `c${channel}`), expected)
  })
})

/** Starts the service as a process; resolves when it is ready. */
async function startProcess (t: Test, redisUrl: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SERVER], {
    env: { PATH: process.env['PATH'], PORT: String(port), HOST: '127.0.0.1', BEARER_TOKEN: TOKEN, LOG_LEVEL: 'silent', REDIS_URL: redisUrl, HISTORY_SIZE: '10000' }, stdio: 'inherit'
  })
  t.teardown(() => { child.kill('SIGKILL') })
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined)
    return response?.status === 200
  }, { within: TIMEOUT_MS, message: 'the service is ready' })
  return child
}
