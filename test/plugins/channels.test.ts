import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
// Loaded with the file: its many parts are transpiled one by one, which takes longer than a plugin may take to start.
import '../../src/brokers/redis/redis.js'
import { MemoryBroker } from '../../src/brokers/memory.js'
import { hubOf } from '../../src/channels/registry.js'
import messenger from '../../src/index.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../brokers/redis/redis-server.js'
import { ask, createHost, startHost, TOKEN } from '../helper.js'
import { refusal } from '../sockets.js'

/** A host with the messenger, and what it has logged, `<level> <text>`. */
async function startLogging (t: Test, redis: string): Promise<{ app: FastifyInstance, lines: string[] }> {
  const lines: string[] = []
  const write = (text: string): void => {
    const { level, msg } = JSON.parse(text) as { level: number, msg: string }
    if (/Redis|registration/.test(msg)) lines.push(`${level} ${msg}`)
  }
  const app = Fastify({ logger: { level: 'info', stream: { write } } })
  t.teardown(() => app.close())
  await app.register(messenger, { token: TOKEN, drainMs: 1_000, redis })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, lines }
}

async function startProtected (t: Test): Promise<RedisServer> {
  return await startRedis(t, { tcp: true, args: ['--requirepass', 'right'] })
}

t.test('the channels of an app whose Redis cannot be reached', async (t) => {
  t.test('refuse messages and say so, and the app starts all the same', async (t) => {
    const app = await startHost(t, { redis: 'redis://127.0.0.1:1' })
    t.notOk(hubOf(app.channels).ready)
    t.notOk(hubOf(app.channels).closing)
    await t.rejects(app.channels.publish('room', 1), { code: 'MSG_ERR_ENGINE_UNAVAILABLE', statusCode: 503 })
    t.equal(app.channels.subscriberCount('room'), 0)
    for (const path of ['/room', '/room?wait=1']) t.match(await ask(app, path), { status: 503, headers: { 'retry-after': /^\d+$/ } })
  })
})

t.test('a log that cannot be read because of an unexpected error', async (t) => {
  t.test('closes the subscriber with 1013 and is logged with its stack', async (t) => {
    t.intercept(MemoryBroker.prototype, 'read', { value: async () => await Promise.reject(new Error('nobody foresaw this')) })
    const logged: string[] = []
    const app = createHost(t, { logger: { level: 'error', stream: { write: (line) => { logged.push(line) } } } })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.match(await refusal(t, app, '/room?since=earliest'), { code: 1013, reason: 'the log cannot be read: reconnect and resume' })
    t.match(logged, [/nobody foresaw this.*stack/])
  })
})

t.test('the log and /-/ready tell', async (t) => {
  t.test('nothing of a start that succeeds', async (t) => {
    const server = await startRedis(t)
    const { app, lines } = await startLogging(t, server.url)
    t.strictSame(lines, [])
    t.strictSame((await ask(app, '/-/ready')).body, { status: 'ready' })
  })

  t.test('once that Redis is lost, why, and that it is back', async (t) => {
    const server = await startRedis(t, { tcp: true })
    const { app, lines } = await startLogging(t, server.url)
    await server.kill()
    await eventually(async () => (await ask(app, '/-/ready')).body['reason'] === 'redis: ECONNREFUSED', { message: 'the reason' })
    t.match(lines.at(-1), /^40 Redis cannot be used: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
    const told = lines.length
    await t.rejects(app.channels.publish('room', 1), { message: /ECONNREFUSED/ })
    t.equal(lines.length, told, 'not with each attempt')
    await server.start()
    await eventually(() => hubOf(app.channels).ready, { message: 'ready' })
    t.equal(lines.at(-1), '30 Redis can be used again')
  })

  t.test('a wrong password by its code, and nothing of the password', async (t) => {
    const server = await startProtected(t)
    const { app, lines } = await startLogging(t, `redis://:wrong-secret@127.0.0.1:${server.port}`)
    t.match(lines, [/^40 Redis cannot be used: WRONGPASS .*$/])
    t.match(await ask(app, '/-/ready'), { status: 503, body: { status: 'not ready', reason: 'redis: WRONGPASS' } })
    t.notMatch(lines.join('\n'), /wrong-secret/)
  })

  t.test('rights that are missing', async (t) => {
    const server = await startRedis(t, { tcp: true })
    const admin = server.connect(t)
    await admin.call('ACL', 'SETUSER', 'few', 'on', '>few', '~*', '&*', '-@all', '+evalsha', '+eval', '+ping', '+hello', '+info')
    const { app, lines } = await startLogging(t, `redis://few:few@127.0.0.1:${server.port}`)
    t.match(lines, [/^40 Redis cannot be used: /])
    t.match(await ask(app, '/-/ready'), { status: 503, body: { reason: 'redis: NOPERM' } })
  })

  t.test('what is waited for while another instance does not answer, and what is not safe without it', async (t) => {
    const server = await startRedis(t)
    await server.connect(t).hset('messenger:instances', 'i:silent', 'a - - 1')
    const { app, lines } = await startLogging(t, server.url)
    t.match(lines, [/^40 Redis cannot be used yet \(1 other instances have not compared yet\): publishing is refused until it can$/])
    await eventually(() => hubOf(app.channels).ready, { message: 'ready without it' })
    t.match(lines.slice(1), [/^40 no other instance or replica has confirmed the registration of this instance: /])
  })

  t.test('data of another layout, in one line', async (t) => {
    const server = await startRedis(t)
    const redis = server.connect(t)
    await redis.hset('messenger:instances', 'layout', '1')
    const { app, lines } = await startLogging(t, server.url)
    t.match(lines, [/^40 Redis cannot be used: LAYOUT 1 is that of another version .*use another key prefix or the same version/])
    t.match(await ask(app, '/-/ready'), { status: 503, body: { reason: 'redis: LAYOUT' } })
    await redis.del('messenger:instances')
    await eventually(() => hubOf(app.channels).ready, { message: 'ready without it' })
  })
})
