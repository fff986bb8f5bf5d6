import type { ChainableCommander, Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { rejectionOf } from '../../../src/brokers/redis/connection/refusal.js'
import { rejection } from '../../codes.js'
import type { TestNode } from '../test-node.js'
import { eventually } from '../../eventually.js'
import { startNode, uniquePrefix } from './redis-node.js'
import { startRedis } from './redis-server.js'
import { ask, publish, publishHeaders, startService } from '../../helper.js'
import { subscribe } from '../../sockets.js'
import { SECRET, token } from '../../tokens.js'

const server = await startRedis(t, { args: ['--enable-debug-command', 'yes'] })

interface Pair {
  a: TestNode
  b: TestNode
  redis: Redis
  prefix: string
  /** Publishes at one and waits for the message at the other, for as long as it takes. */
  works: (what: string) => Promise<void>
}

async function createPair (t: Test): Promise<Pair> {
  const prefix = uniquePrefix()
  const options = { redis: server.url, keyPrefix: prefix, timings: { auditMs: 50, checkMs: 50, barrierMs: 100, witnessMs: 20 } }
  const [a, b] = [await startNode(t, options), await startNode(t, options)]
  await b.join('room')
  let number = 0
  return {
    a,
    b,
    redis: server.connect(t),
    prefix,
    works: async (what) => {
      await eventually(async () => {
        const text = `"${what.replaceAll(/\W/g, ' ')} ${++number}"`
        if (await rejectionOf(a.broker.publish('room', text)) !== undefined) return false
        const until = performance.now() + 500
        await rejectionOf(eventually(() => b.messages('room').includes(text) || performance.now() > until, { message: 'handed' }))
        return b.messages('room').includes(text)
      }, { message: `the pair works after ${what}` })
    }
  }
}

const TEXTS = ['', '1', 'null', 'nonsense', '{', '[]', '"x"', '{}', '1 2 3', 'e:1', 'e:1 ', 'e:1 "x"', ':: ::', '{"node":1}', '{"node":"x","number":"y","full":1,"counts":[]}', '{"from":"x","ask":"*"}', '{"witness":true}', '{"node":"x","number":1,"full":true,"counts":{"__proto__":1,"room":null}}', '99999999999999999999 x', '9999999999999999 later', '\u0000\ufffd', 'x'.repeat(100_000)]

t.test('What strangers write into Redis', async (t) => {
  t.test('as announcements of any kind changes nothing', async (t) => {
    const { redis, prefix, works, b } = await createPair(t)
    await works('the start')
    for (const text of TEXTS) {
      for (const name of ['census', 'notices']) await redis.publish(`${prefix}${name}`, text)
      await redis.spublish(`${prefix}{room}:live`, text)
    }
    await redis.publish(`${prefix}census`, Buffer.from([0xff, 0xfe, 0x00]))
    await redis.spublish(`${prefix}{room}:live`, Buffer.from([0xff, 0xfe, 0x00]))
    const { epoch } = await b.broker.read('room', 'now')
    for (const id of [`${epoch}:0`, `${epoch}:1`, `${epoch}:999999`, `${epoch}:9007199254740993`, `${epoch}:-1`]) await redis.spublish(`${prefix}{room}:live`, `${id} "forged"`)
    await works('all of them')
    t.notMatch(b.messages('room').join(), /forged/)
    t.strictSame(await b.told(), [])
  })

  t.test('as a message of any kind ends no service: it publishes, delivers and revokes as before', async (t) => {
    const prefix = uniquePrefix()
    const app = await startService(t, { REDIS_URL: server.url, REDIS_KEY_PREFIX: prefix, TOKEN_SECRET: SECRET })
    const redis = server.connect(t)
    const subscription = await subscribe(t, app, `/room?since=now&token=${token({ sub: 'user', subscribe: ['room'] })}`)
    t.match(await subscription.next(), { event: 'subscribed' })
    const until = Date.now() + 60_000
    const revocations = ['{"claim":"sub"}', '{"claim":"aud","value":"x","at":1,"until":2}', '{"claim":"sub","value":1,"at":1,"until":2}', '{"claim":"jti","value":"x","at":"y","until":null}']
    const texts = [...TEXTS, ...revocations].flatMap((text) => [text, `${until} ${text}`])
    for (const text of texts) {
      for (const name of ['census', 'notices']) await redis.publish(`${prefix}${name}`, text)
      for (const name of await redis.call('PUBSUB', 'SHARDCHANNELS') as string[]) await redis.spublish(name, text)
      await redis.zadd(`${prefix}{notices}`, until, text)
    }
    // Those that are kept are read when the connections are made again.
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await eventually(async () => (await publish(app, 'room', 'after all of them')).status === 200, { message: 'published' })
    for (let frame = await subscription.next(); frame.message !== 'after all of them';) frame = await subscription.next()
    const post = { method: 'POST', headers: publishHeaders(), body: JSON.stringify({ sub: 'user' }) }
    t.equal((await ask(app, '/-/revocations', post)).status, 200)
    t.match(await subscription.closed, { code: 4401 })
  })

  /** Writes a value of each type. */
  const types: [type: string, write: (redis: ChainableCommander, key: string) => unknown][] = [
    ['a string', (redis, key) => redis.set(key, 'nonsense')],
    ['a list', (redis, key) => redis.rpush(key, 'nonsense')],
    ['a set', (redis, key) => redis.sadd(key, 'nonsense')],
    ['a sorted set', (redis, key) => redis.zadd(key, 1e300, 'nonsense', 'inf', 'for ever', -1, 'before')],
    ['a hash', (redis, key) => redis.hset(key, 'nonsense', 'nonsense', 'i:', 'x', 'i:x', 'a', 'i:y', 'a b c d e', 'i:z', 'a - - 1')],
    ['a stream', (redis, key) => redis.xadd(key, '1-1', 'x', 'y')]
  ]
  for (const name of ['instances', '{room}:meta', '{room}:log', '{notices}', '{room}:key:k']) {
    t.test(`as the key ${name}, of any type, is refused with a reason where it matters, and over when the key is deleted`, async (t) => {
      const { a, b, redis, prefix, works } = await createPair(t)
      const key = `${prefix}${name}`
      for (const [type, write] of types) {
        // In one go: the instances write, too.
        const transaction = redis.multi().del(key)
        write(transaction, key)
        t.strictSame((await transaction.exec())?.filter(([error]) => error !== null), [])
        const outcomes = await Promise.all([
          rejection(a.broker.publish('room', '"x"', { idempotencyKey: 'k' })), rejection(b.broker.read('room', 'earliest')), rejection(a.broker.announce('notice', Date.now() + 60_000)), rejection(a.join('other'))
        ])
        a.leave('other')
        for (const outcome of outcomes) t.match(outcome, /^(no rejection|MSG_ERR_ENGINE_UNAVAILABLE|MSG_ERR_IDEMPOTENCY_CONFLICT)$/, `${type}: ${outcome}`)
        await redis.del(key)
        await works(`${type} as ${name}`)
      }
      t.strictSame([a.broker.ready, b.broker.ready], [true, true])
    })
  }

  t.test('as fields of a log is refused with a reason, and other channels go on', async (t) => {
    const { a, redis, prefix, works } = await createPair(t)
    for (const field of ['epoch', 'head', 'term', 'past', 'from']) {
      for (const value of ['', 'nonsense', '-1', '1e400', 'a b:c d', 'x:1:1 y:2:0 :: ', ' '.repeat(100)]) {
        await redis.hset(`${prefix}{bad}:meta`, 'epoch', 'e', 'head', '1', field, value)
        for (const ask of [() => a.broker.publish('bad', '1'), () => a.broker.read('bad', 'earliest'), () => a.broker.read('bad', { epoch: 'x', offset: 1 })]) {
          t.match(await rejection(ask()), /^(no rejection|MSG_ERR_ENGINE_UNAVAILABLE)$/)
        }
        await redis.del(`${prefix}{bad}:meta`, `${prefix}{bad}:log`)
      }
    }
    await works('garbage in another channel')
  })

  t.test('as fields of the register does not keep a new term from being decided', async (t) => {
    const { a, b, redis, prefix, works } = await createPair(t)
    await redis.hset(`${prefix}instances`, 'i:', 'a - - 1', 'i:x', 'nonsense', 'i:y', '', 'i:z', 'a - - 9', 'unknown', 'x', 'chain', 'a  b   ', 'terms', ' x ', 'open', 'y', 'flag', 'z')
    await redis.call('DEBUG', 'CHANGE-REPL-ID')
    await works('a new term')
    t.strictSame([a.broker.ready, b.broker.ready], [true, true])
  })

  t.test('as the size of the register does not keep an instance from joining', async (t) => {
    const { redis, prefix, works } = await createPair(t)
    await works('the start')
    await redis.hset(`${prefix}instances`, 'size', 'nonsense')
    const late = await startNode(t, { redis: server.url, keyPrefix: prefix })
    await eventually(() => late.broker.ready, { message: 'it is ready' })
  })

  t.test('as the position of a log of which messages were acknowledged does not keep the others from a new term', async (t) => {
    const { a, b, redis, prefix, works } = await createPair(t)
    for (const head of ['-5', '1e20', '0.5', 'nonsense']) {
      await eventually(async () => await rejectionOf(a.broker.publish('bad', '1')) === undefined, { message: 'acknowledged' })
      await redis.hset(`${prefix}{bad}:meta`, 'head', head)
      await redis.call('DEBUG', 'CHANGE-REPL-ID')
      await works(`the head ${head}`)
      t.strictSame([a.broker.ready, b.broker.ready], [true, true], head)
      await redis.del(`${prefix}{bad}:meta`, `${prefix}{bad}:log`)
    }
  })
})

t.test('A Redis whose memory is full', async (t) => {
  t.test('is read from, takes announcements but no message, keeps within its limit, and lets an instance that starts become ready', async (t) => {
    const server = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction', '--enable-debug-command', 'yes'] })
    const redis = server.connect(t)
    const node = await startNode(t, { redis: server.url })
    await node.join('room')
    const { epoch } = await node.broker.publish('room', '1')
    const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
    await redis.config('SET', 'maxmemory', String(await used()))
    const limit = await used()
    const large = `"${'x'.repeat(60_000)}"`
    t.equal(await rejection(node.broker.publish('room', large)), 'MSG_ERR_ENGINE_UNAVAILABLE')
    for (let number = 0; number < 50; number++) t.equal(await rejection(node.broker.publish(`new${number}`, large)), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.ok(await used() < limit + 500_000, 'connections aside, nothing is added')
    t.match(await node.broker.read('room', { epoch, offset: 0 }), { head: 1, reason: undefined, entries: [{ message: '1' }] })
    await t.rejects(node.broker.publish('room', large), { message: /OOM/ })
    await node.broker.announce('revoked', Date.now() + 60_000)
    t.strictSame(node.announcements, ['revoked'])
    const second = await startNode(t, { redis: server.url })
    t.match(await second.broker.read('room', { epoch, offset: 0 }), { head: 1, reason: undefined })
    await redis.call('DEBUG', 'CHANGE-REPL-ID')
    t.match(await second.broker.read('room', { epoch, offset: 0 }), { head: 1, reason: undefined, entries: [{ message: '1' }] })
    await redis.config('SET', 'maxmemory', '0')
    t.match(await second.broker.publish('room', '2'), { offset: 2 })
    await node.handed('room', 2)
    t.strictSame(await node.told(), [])
  })
})
