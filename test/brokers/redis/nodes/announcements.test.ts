import t from 'tap'
import { rejection } from '../../../codes.js'
import { eventually } from '../../../eventually.js'
import { createNode, startNode, uniquePrefix } from '../redis-node.js'
import { startProxy } from '../proxy.js'
import { startRedis } from '../redis-server.js'

const soon = (ms = 60_000): number => Date.now() + ms

t.test('An announcement', async (t) => {
  const server = await startRedis(t)

  t.test('is shown on every node, once, also when it is posted again', async (t) => {
    const options = { redis: server.url, keyPrefix: uniquePrefix() }
    const [a, b] = [await startNode(t, options), await startNode(t, options)]
    await a.broker.announce('x y', soon())
    t.strictSame(a.announcements, ['x y'], 'here when it is posted')
    await eventually(() => b.announcements.length > 0, { message: 'shown on the other node' })
    await b.broker.announce('x y', soon())
    await b.broker.announce('z', soon() + 0.5)
    await eventually(() => a.announcements.length === 2, { message: 'the second one' })
    t.strictSame([a.announcements, b.announcements], [['x y', 'z'], ['x y', 'z']])
  })

  t.test('is shown to a node that comes later, before it is ready, and not when its time is over', async (t) => {
    const options = { redis: server.url, keyPrefix: uniquePrefix() }
    const a = await startNode(t, options)
    await a.broker.announce('over', Date.now() - 1)
    await a.broker.announce('kept', soon())
    const b = createNode(t, options)
    t.strictSame([b.broker.ready, b.announcements], [false, []])
    await b.broker.started
    t.strictSame(b.announcements, ['kept'])
  })

  t.test('is kept apart from those of other messengers on the same server', async (t) => {
    const [a, b] = [
      await startNode(t, { redis: server.url, keyPrefix: uniquePrefix() }),
      await startNode(t, { redis: server.url, keyPrefix: uniquePrefix() })
    ]
    await a.broker.announce('mine', soon())
    const c = await startNode(t, { redis: server.url, keyPrefix: uniquePrefix() })
    t.strictSame([a.announcements, b.announcements, c.announcements], [['mine'], [], []])
  })

  t.test('leaves nothing on the server when its time is over', async (t) => {
    const keyPrefix = uniquePrefix()
    const [a, redis] = [await startNode(t, { redis: server.url, keyPrefix }), server.connect(t)]
    await a.broker.announce('short', soon(200))
    t.equal(await redis.exists(`${keyPrefix}{notices}`), 1)
    await eventually(async () => await redis.exists(`${keyPrefix}{notices}`) === 0, { message: 'gone' })
  })
})

t.test('A node', async (t) => {
  t.test('gives back to a server that lost its data what is not over, so that others learn of it', async (t) => {
    const server = await startRedis(t)
    const options = { redis: server.url, keyPrefix: uniquePrefix(), timings: { auditMs: 50 } }
    const a = await startNode(t, options)
    const end = soon(300)
    await a.broker.announce('kept', soon())
    await a.broker.announce('short', end)
    await server.kill()
    await a.turned(false)
    await eventually(() => Date.now() > end, { message: 'the short one is over' })
    await server.start()
    await a.turned(true)
    const b = await startNode(t, options)
    t.strictSame(b.announcements, ['kept'])
    t.strictSame(a.announcements, ['kept', 'short'], 'it is not told again what it knows')
  })

  t.test('finds an announcement that it missed while its connection was away', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const keyPrefix = uniquePrefix()
    const a = await startNode(t, { redis: server.url, keyPrefix })
    const b = await startNode(t, { redis: proxy.url, keyPrefix })
    proxy.deaf = true
    proxy.cut()
    await b.turned(false)
    await a.broker.announce('missed', soon())
    t.strictSame(b.announcements, [])
    proxy.deaf = false
    await b.turned(true)
    t.strictSame(b.announcements, ['missed'])
  })

  t.test('finds an announcement that was lost without a sign with the next audit', async (t) => {
    const server = await startRedis(t)
    const keyPrefix = uniquePrefix()
    const b = await startNode(t, { redis: server.url, keyPrefix, timings: { auditMs: 50 } })
    const a = await startNode(t, { redis: server.url, keyPrefix })
    const redis = server.connect(t)
    await a.broker.announce('first', soon())
    await eventually(() => b.announcements.length === 1, { message: 'announced' })
    await redis.zadd(`${keyPrefix}{notices}`, soon(), 'lost')
    await eventually(() => b.announcements.includes('lost'), { message: 'found' })
  })

  t.test('refuses to post while Redis is away', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url })
    await server.kill()
    await node.turned(false)
    t.equal(await rejection(node.broker.announce('x', soon())), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.strictSame(node.announcements, [])
  })
})
