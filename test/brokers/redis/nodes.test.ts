import t, { type Test } from 'tap'
import type { Redis } from 'ioredis'
import { rejection } from '../../codes.js'
import { range, type TestNode } from '../test-node.js'
import { eventually } from '../../eventually.js'
import { type NodeOptions, startNode, uniquePrefix } from './redis-node.js'
import { startProxy } from './proxy.js'
import { startRedis } from './redis-server.js'

const server = await startRedis(t)

interface Pair {
  a: TestNode
  b: TestNode
  redis: Redis
  keyPrefix: string
  /** The channels that somebody listens to. */
  listened: () => Promise<string[]>
}

async function createPair (t: Test, options: Partial<NodeOptions> = {}): Promise<Pair> {
  const keyPrefix = uniquePrefix()
  const [a, b] = [
    await startNode(t, { redis: server.url, keyPrefix, ...options }),
    await startNode(t, { redis: server.url, keyPrefix, ...options })
  ]
  const redis = server.connect(t)
  const listened = async (): Promise<string[]> => (await redis.call('PUBSUB', 'SHARDCHANNELS', `${keyPrefix}*:live`) as string[]).sort()
  return { a, b, redis, keyPrefix, listened }
}

t.test('Two nodes on one Redis', async (t) => {
  t.test('see the same messages in one order under the ids that the publishers got', async (t) => {
    const { a, b } = await createPair(t)
    await a.join('room')
    await b.join('room')
    const published = await Promise.all(range(1, 300).map((number) => (number % 3 === 0 ? a : b).broker.publish('room', String(number))))
    await Promise.all([a.handed('room', 300), b.handed('room', 300)])
    t.strictSame(a.delivered('room'), b.delivered('room'))
    const byOffset = new Map(a.delivered('room').map((entry) => [entry.offset, entry]))
    published.forEach(({ epoch, offset }, index) => { t.match(byOffset.get(offset), { epoch, message: String(index + 1) }) })
  })

  t.test('listen to occupied channels and to no other', async (t) => {
    const { a, b, keyPrefix, listened } = await createPair(t)
    t.strictSame(await listened(), [])
    await a.join('x')
    await a.join('x')
    await b.join('x')
    await b.join('y')
    t.strictSame(await listened(), [`${keyPrefix}{x}:live`, `${keyPrefix}{y}:live`])
    a.leave('x')
    b.leave('x')
    await eventually(async () => (await listened()).length === 2, { message: 'y is left' })
    a.leave('x')
    await eventually(async () => (await listened()).length === 1, { message: 'y only' })
    b.leave('y')
    await eventually(async () => (await listened()).length === 0, { message: 'none' })
  })

  t.test('listen to nothing after a thousand leaves and joins that race', async (t) => {
    const { a, b, listened } = await createPair(t)
    const joins: Promise<void>[] = []
    for (const number of range(1, 500)) {
      joins.push(a.join(`c${number % 7}`))
      if (number % 3 !== 0) a.leave(`c${number % 7}`)
    }
    await Promise.all(joins)
    for (const channel of [...a.occupied()]) {
      await b.broker.publish(channel, '1')
      await a.handed(channel, 1)
      while (a.count(channel) > 0) a.leave(channel)
    }
    await eventually(async () => (await listened()).length === 0, { message: 'none' })
  })

  t.test('get a message over Redis once, however many subscribers they have', async (t) => {
    const { a, b, redis, keyPrefix } = await createPair(t)
    for (const node of [a, b]) for (let count = 0; count < 50; count++) await node.join('room')
    const commands = async (): Promise<number> => Number(/cmdstat_spublish:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const numsub = await redis.call('PUBSUB', 'SHARDNUMSUB', `${keyPrefix}{room}:live`)
    const before = await commands()
    await a.publish('room', 1, 10)
    await b.handed('room', 10)
    t.equal(await commands() - before, 10)
    t.strictSame(numsub, [`${keyPrefix}{room}:live`, 2])
    t.equal(b.delivered('room').length, 10)
  })

  t.test('end a subscription that was left over with the next message', async (t) => {
    const proxy = await startProxy(t, server.socket)
    const { b, keyPrefix, listened } = await createPair(t)
    const a = await startNode(t, { redis: proxy.url, keyPrefix })
    await a.join('room')
    proxy.swallow = 'sunsubscribe'
    a.leave('room')
    await eventually(() => proxy.swallowed > 0, { message: 'it is lost' })
    proxy.swallow = undefined
    t.equal((await listened()).length, 1)
    await b.broker.publish('room', '1')
    await eventually(async () => (await listened()).length === 0, { message: 'none' })
    t.strictSame(a.offsets('room'), [])
  })

  t.test('try to listen for as long as a command may take, unless the channel is left or Redis is lost', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url })
    const redis = server.connect(t)
    const refusals = async (): Promise<void> => { await eventually(async () => (await redis.call('ACL', 'LOG') as unknown[]).length > 0, { message: 'refusals' }) }
    await redis.call('ACL', 'SETUSER', 'default', '-ssubscribe')
    const joining = node.join('room')
    await refusals()
    await redis.call('ACL', 'SETUSER', 'default', '+ssubscribe')
    await joining
    await node.publish('room', 1)
    await node.handed('room', 1)

    await redis.call('ACL', 'SETUSER', 'default', '-ssubscribe')
    const leaving = rejection(node.join('left'))
    await refusals()
    node.leave('left')
    t.equal(await leaving, 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.equal(await rejection(node.join('refused')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    const losing = rejection(node.join('lost'))
    await server.kill()
    t.equal(await losing, 'MSG_ERR_ENGINE_UNAVAILABLE')
  })

  t.test('notice a message whose notification was lost with the next notification', async (t) => {
    const { a, b, redis, keyPrefix } = await createPair(t)
    await b.join('room')
    await a.publish('room', 1)
    await b.handed('room', 1)
    const [epoch] = await redis.hmget(`${keyPrefix}{room}:meta`, 'epoch')
    // Appended as the script does it, but without a word about it.
    await redis.hincrby(`${keyPrefix}{room}:meta`, 'head', 1)
    await redis.xadd(`${keyPrefix}{room}:log`, `2-${Date.now()}`, 'm', '"silent"')
    await a.publish('room', 3)
    await b.handed('room', 3)
    t.strictSame(b.messages('room'), ['1', '"silent"', '3'])
    t.ok(b.delivered('room').every((entry) => entry.epoch === epoch))
  })

  t.test('notice it with the audit when nothing follows', async (t) => {
    const { a, b, redis, keyPrefix } = await createPair(t, { timings: { auditMs: 50 } })
    await b.join('room')
    await a.publish('room', 1)
    await b.handed('room', 1)
    await redis.hincrby(`${keyPrefix}{room}:meta`, 'head', 1)
    await redis.xadd(`${keyPrefix}{room}:log`, `2-${Date.now()}`, 'm', '"silent"')
    await b.handed('room', 2)
    t.strictSame(b.messages('room'), ['1', '"silent"'])
  })

  t.test('notice with the audit that the server does not send to them any more, and ask it to', async (t) => {
    const proxy = await startProxy(t, server.socket)
    const { a, keyPrefix, listened } = await createPair(t)
    const b = await startNode(t, { redis: proxy.url, keyPrefix, timings: { auditMs: 50 } })
    await b.join('room')
    await a.publish('room', 1)
    await b.handed('room', 1)
    const name = `${keyPrefix}{room}:live`
    proxy.inject('ssubscribe', `*2\r\n$12\r\nSUNSUBSCRIBE\r\n$${name.length}\r\n${name}\r\n`)
    await eventually(async () => (await listened()).length === 0, { message: 'nobody listens' })
    let number = 1
    await eventually(async () => {
      await a.publish('room', ++number)
      await b.handed('room', number)
      return (await listened()).join() === name
    }, { message: 'listened to again' })
    await a.publish('room', ++number)
    await b.handed('room', number)
    t.strictSame(b.offsets('room'), range(1, number))
  })

  t.test('notice with the audit that the log is gone, and say so', async (t) => {
    const { a, b, redis, keyPrefix } = await createPair(t, { timings: { auditMs: 50 } })
    await b.join('room')
    await a.publish('room', 1, 3)
    await b.handed('room', 3)
    const old = b.delivered('room')[0]?.epoch ?? ''
    await redis.del(`${keyPrefix}{room}:meta`)
    await eventually(() => b.gaps.length === 1, { message: 'the gap' })
    t.match(await b.broker.read('room', { epoch: old, offset: 3 }), { reason: 'epoch', after: 0, head: 0, entries: { length: 0 } })
    t.match(await a.broker.publish('room', '1'), { offset: 1 })
    await b.handed('room', 4)
    t.not(b.delivered('room')[3]?.epoch, old)
  })

  t.test('announce the loss of the log with the first message of the new one', async (t) => {
    // The next check compares what was acknowledged in the log that is gone, which is another gap.
    const { a, b, redis, keyPrefix } = await createPair(t, { timings: { checkMs: 60_000 } })
    await b.join('room')
    await a.publish('room', 1, 3)
    await b.handed('room', 3)
    await redis.del(`${keyPrefix}{room}:meta`)
    const { epoch } = await a.broker.publish('room', '"new"')
    await eventually(() => b.gaps.length === 1, { message: 'the gap' })
    t.match(await b.broker.read('room', { epoch: b.delivered('room')[0]?.epoch ?? '', offset: 3 }), { epoch, reason: 'epoch', entries: [{ offset: 1, message: '"new"' }] })
  })

  t.test('never give two logs of a channel the same epoch, also when the answer of the first is lost', async (t) => {
    const proxy = await startProxy(t, server.socket)
    const { b, redis, keyPrefix } = await createPair(t)
    const a = await startNode(t, { redis: proxy.url, keyPrefix, timings: { commandMs: 200 } })
    await b.join('elsewhere')
    const epochs = new Set<string | null>()
    for (let round = 1; round <= 5; round++) {
      // The log is written to, and its publisher never learns of it.
      const published = a.broker.publish('room', '1')
      proxy.cut()
      await rejection(published)
      await eventually(() => a.broker.ready, { message: 'ready' })
      await a.broker.publish('room', '2')
      epochs.add(await redis.hget(`${keyPrefix}{room}:meta`, 'epoch'))
      await redis.del(`${keyPrefix}{room}:meta`)
      epochs.add((await a.broker.publish('room', '3')).epoch)
      await redis.del(`${keyPrefix}{room}:meta`)
    }
    t.equal(epochs.size, 10)
  })

  t.test('drop the position of an unused channel after minutes, and that of a used one after a day', async (t) => {
    const { a, redis, keyPrefix } = await createPair(t)
    await a.broker.read('asked', 'now')
    t.ok(await redis.pttl(`${keyPrefix}{asked}:meta`) <= 300_000)
    await a.broker.publish('used', '1')
    t.ok(await redis.pttl(`${keyPrefix}{used}:meta`) > 86_000_000)
    await a.broker.read('used', 'now')
    t.ok(await redis.pttl(`${keyPrefix}{used}:meta`) > 86_000_000)
    t.ok(await redis.pttl(`${keyPrefix}{used}:log`) <= 60_000)
    await a.broker.publish('keyed', '1', { idempotencyKey: 'k' })
    t.ok(await redis.pttl(`${keyPrefix}{keyed}:key:k`) > 290_000)
    for (const key of await redis.keys(`${keyPrefix}*`)) t.equal(await redis.pttl(key) === -1, key === `${keyPrefix}instances`, `${key}: all but the register expires`)
  })

  t.test('keep the position of an occupied channel, empty or not, as long as it has subscribers', async (t) => {
    const { a, redis, keyPrefix } = await createPair(t, { timings: { auditMs: 50 } })
    await a.join('empty')
    await a.join('used')
    await a.broker.publish('used', '1')
    for (const channel of ['empty', 'used']) await redis.pexpire(`${keyPrefix}{${channel}}:meta`, 10_000)
    await eventually(async () => await redis.pttl(`${keyPrefix}{empty}:meta`) > 10_000 && await redis.pttl(`${keyPrefix}{used}:meta`) > 10_000, { message: 'extended' })
    t.strictSame(await a.told(), [])
  })

  t.test('trim a log of expired messages in one step, however many there are', async (t) => {
    const { a, redis, keyPrefix } = await createPair(t, { size: 100_000 })
    await a.publish('room', 1)
    const log = `${keyPrefix}{room}:log`
    const script = `local last = tonumber(ARGV[1])
      for offset = 2, last do redis.call('XADD', KEYS[2], offset .. '-' .. (offset <= last - 10 and 1 or ARGV[2]), 'm', tostring(offset)) end
      redis.call('HSET', KEYS[1], 'head', last)
      return 1`
    await redis.del(log)
    await redis.xadd(log, '1-1', 'm', '1')
    await redis.eval(script, 2, `${keyPrefix}{room}:meta`, log, 20_000, Date.now())
    const replay = await a.broker.read('room', 'earliest')
    t.match(replay, { after: 19_990, head: 20_000, entries: { length: 10 } })
    t.equal(await redis.xlen(log), 10)
    const slowest = Math.max(...(await redis.call('SLOWLOG', 'GET', '-1') as [number, number, number][]).map(([, , micros]) => micros), 0)
    t.ok(slowest < 2_000_000)
  })

  t.test('do not take what is on its way for lost when nothing is kept, however often they compare', async (t) => {
    const { a, b } = await createPair(t, { size: 0, timings: { auditMs: 1 } })
    await b.join('room')
    for (let round = 0; round < 20; round++) await Promise.all(range(1, 100).map(() => a.publish('room', 1)))
    await b.handed('room', 2_000)
    t.strictSame(b.offsets('room'), range(1, 2_000))
    t.strictSame(await b.told(), [])
  })

  t.test('can be read while Redis refuses to write', async (t) => {
    const server = await startRedis(t)
    const a = await startNode(t, { redis: server.url })
    await a.publish('room', 1, 3)
    const redis = server.connect(t)
    await redis.config('SET', 'min-replicas-to-write', '1')
    t.equal(await rejection(a.broker.publish('room', '4')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.match(await a.broker.read('room', 'earliest'), { head: 3, entries: { length: 3 } })
    t.equal(a.broker.ready, true)
    await redis.config('SET', 'min-replicas-to-write', '0')
    t.match(await a.broker.publish('room', '4'), { offset: 4 })
  })
})
