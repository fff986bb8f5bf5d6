import type { Redis } from 'ioredis'
import t from 'tap'
import { range, untimedReplay } from '../test-node.js'
import { eventually } from '../../eventually.js'
import { startNode } from './redis-node.js'
import { startProxy } from './proxy.js'
import { startRedis } from './redis-server.js'

/** The number of instances in the register. */
async function present (redis: Redis): Promise<number> {
  const entries = Object.entries(await redis.hgetall('m:instances'))
  return entries.filter(([name, entry]) => name.startsWith('i:') && entry.startsWith('a ')).length
}

t.test('A server that comes back with less than it had', async (t) => {
  t.test('goes on under another epoch, so that no id is given a second time, and subscribers are told', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const node = await startNode(t, { redis: server.url })
    await node.join('room')
    await node.publish('room', 1, 5)
    const rollBack = server.snapshot()
    await node.publish('room', 6, 10)
    await node.handed('room', 10)
    const { epoch } = node.delivered('room')[0] ?? { epoch: '' }
    await server.kill()
    rollBack()
    await server.start()
    await eventually(() => node.gaps.length === 1, { message: 'the gap' })
    const published = await node.broker.publish('room', '"new"')
    t.not(published.epoch, epoch)
    t.equal(published.offset, 6, 'after what the log still has')
    for (const offset of [6, 10]) t.match(await node.broker.read('room', { epoch, offset }), { epoch: published.epoch, reason: 'epoch', after: 5, head: 6, entries: [{ message: '"new"' }] })
    t.strictSame(untimedReplay(await node.broker.read('room', { epoch, offset: 5 })), { epoch: published.epoch, after: 5, head: 6, entries: [{ epoch: published.epoch, offset: 6, message: '"new"' }], reason: 'epoch' }, 'who had all that is left has nothing repeated')
    t.match(await node.broker.read('room', { epoch, offset: 3 }), { after: 3, reason: 'epoch', entries: { length: 3 } }, 'also who did not have what is lost')
    await node.handed('room', 11)
    t.equal(node.delivered('room').at(-1)?.message, '"new"')
  })

  t.test('is detected for a channel without subscribers by the node that published to it', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const node = await startNode(t, { redis: server.url })
    await node.publish('room', 1, 2)
    const rollBack = server.snapshot()
    const { epoch } = await node.broker.publish('room', '3')
    await server.kill()
    rollBack()
    await server.start()
    await node.turned(true)
    const published = await node.broker.publish('room', '"new"')
    t.equal(published.offset, 3)
    t.not(published.epoch, epoch)
    t.match(await node.broker.read('room', { epoch, offset: 3 }), { reason: 'epoch' })
  })

  t.test('is detected by a node that read from it, and by one that listened until a moment ago', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    for (const channel of ['read', 'left']) await a.publish(channel, 1)
    const rollBack = server.snapshot()
    await b.join('left')
    for (const channel of ['read', 'left']) await a.publish(channel, 2)
    await b.handed('left', 1)
    b.leave('left')
    const { epoch } = await b.broker.read('read', 'now')
    await a.broker.close()
    await server.kill()
    rollBack()
    await server.start()
    await b.turned(true)
    t.not((await b.broker.publish('read', '"new"')).epoch, epoch)
    t.not((await b.broker.publish('left', '"new"')).epoch, b.delivered('left')[0]?.epoch)
  })

  t.test('is not used by a node that did not see what it lost before one that did has said so', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxy = await startProxy(t, server.socket)
    const knowing = await startNode(t, { redis: proxy.url, timings: { barrierMs: 10_000 } })
    await knowing.publish('room', 1, 5)
    const ignorant = await startNode(t, { redis: server.url, timings: { barrierMs: 10_000 } })
    const rollBack = server.snapshot()
    await knowing.publish('room', 6, 10)
    const { epoch } = await knowing.broker.read('room', 'now')
    proxy.deaf = true
    await server.kill()
    rollBack()
    await server.start()
    await eventually(() => ignorant.broker.status.reason === '1 other instances have not compared yet', { message: 'the ignorant one waits' })
    t.equal(ignorant.broker.ready, false)
    proxy.deaf = false
    proxy.cut()
    await ignorant.turned(true)
    const published = await ignorant.broker.publish('room', '"new"')
    t.not(published.epoch, epoch, 'no id is given a second time')
    t.match(await ignorant.broker.read('room', { epoch, offset: 10 }), { reason: 'epoch', after: 5, head: 6 })
    await knowing.turned(true)
  })

  t.test('is not used before a node is back that others know of, though the server lost its name as well', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const options = { timings: { barrierMs: 10_000, nodeTtlMs: 10_000 } }
    const away = await startNode(t, { redis: proxy.url, ...options })
    const node = await startNode(t, { redis: server.url, ...options })
    await away.join('room')
    await eventually(() => node.broker.count('room') === 1, { message: 'they know each other' })
    proxy.deaf = true
    await server.restart()
    const redis = server.connect(t)
    await eventually(() => node.broker.status.reason === '1 other instances have not compared yet', { message: 'one waits for the other' })
    t.strictSame([await present(redis), node.broker.ready], [2, false])
    proxy.deaf = false
    proxy.cut()
    await node.turned(true)
    await away.turned(true)
  })

  t.test('is used without a node that does not come back, and neither waits for the dead the next time', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const redis = server.connect(t)
    const proxy = await startProxy(t, server.socket)
    const node = await startNode(t, { redis: server.url, timings: { nodeTtlMs: 60_000 } })
    const cutOff = await startNode(t, { redis: proxy.url })
    t.equal(await present(redis), 2)
    proxy.deaf = true
    await server.restart()
    await node.turned(true)
    t.equal(await present(redis), 1)
    proxy.deaf = false
    proxy.cut()
    await cutOff.turned(true)
    t.equal(await present(redis), 2)
    await cutOff.broker.close()
    t.equal(await present(redis), 1, 'who closes says so')
  })

  t.test('is found out by the id that a publisher got, though the message never reached this node', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxy = await startProxy(t, server.socket)
    const node = await startNode(t, { redis: proxy.url, timings: { commandMs: 5_000, checkMs: 60_000 } })
    await node.join('room')
    await node.publish('room', 1)
    await node.handed('room', 1)
    const rollBack = server.snapshot()
    proxy.stall('ssubscribe')
    const { epoch, offset } = await node.broker.publish('room', '2')
    t.equal(offset, 2)
    t.strictSame(node.offsets('room'), [1])
    await server.kill()
    rollBack()
    await server.start()
    proxy.cut()
    await node.turned(false)
    await node.turned(true)
    t.not((await node.broker.publish('room', '"new"')).epoch, epoch)
  })

  t.test('announces the gap to every node, also to one that had less: the lost messages were acknowledged', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: proxy.url })]
    await a.join('room')
    await b.join('room')
    await a.publish('room', 1, 2)
    await Promise.all([a.handed('room', 2), b.handed('room', 2)])
    const rollBack = server.snapshot()
    proxy.deaf = true
    proxy.cut()
    await a.publish('room', 3, 4)
    await a.handed('room', 4)
    await server.kill()
    rollBack()
    await server.start()
    await eventually(() => a.gaps.length === 1, { message: 'the gap' })
    await a.broker.publish('room', '"new"')
    proxy.deaf = false
    await eventually(() => b.gaps.length === 1, { message: 'the gap of the other node' })
    const { epoch = '' } = b.delivered('room')[0] ?? {}
    t.match(await b.broker.read('room', { epoch, offset: 2 }), { reason: 'epoch', after: 2, entries: [{ message: '"new"' }] })
  })

  t.test('is found out by a node that was away for two such takeovers', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: proxy.url })]
    await b.join('room')
    await a.publish('room', 1, 2)
    const rollBack = server.snapshot()
    await a.publish('room', 3)
    await b.handed('room', 3)
    await a.broker.close()
    proxy.deaf = true
    proxy.cut()
    await server.kill()
    rollBack()
    await server.start()
    const c = await startNode(t, { redis: server.url })
    t.match(await c.broker.publish('room', '"3 again"'), { offset: 3 })
    await server.restart()
    await c.turned(true)
    t.match(await c.broker.publish('room', '"4"'), { offset: 4 })
    proxy.deaf = false
    await eventually(() => b.gaps.length === 1, { message: 'the gap' })
    const replay = await b.broker.read('room', { epoch: b.delivered('room')[0]?.epoch ?? '', offset: 3 })
    t.match(replay, { reason: 'epoch', after: 2, head: 4, entries: [{ message: '"3 again"' }, { message: '"4"' }] })
  })

  t.test('is found out by each node on its own, and all of them are told what they lost', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxies = [await startProxy(t, server.socket), await startProxy(t, server.socket)] as const
    const [a, b] = [await startNode(t, { redis: proxies[0].url }), await startNode(t, { redis: proxies[1].url })]
    for (const node of [a, b]) await node.join('room')
    await a.publish('room', 1, 2)
    const first = server.snapshot()
    await a.publish('room', 3)
    await Promise.all([a.handed('room', 3), b.handed('room', 3)])
    // `b` is away while the server loses 3; `a` is away while it loses what it was given instead.
    proxies[1].deaf = true
    proxies[1].cut()
    proxies[0].deaf = true
    proxies[0].cut()
    await server.kill()
    first()
    await server.start()
    const c = await startNode(t, { redis: server.url })
    await c.publish('room', 3, 9)
    for (const proxy of proxies) proxy.deaf = false
    await eventually(() => a.gaps.length > 0 && b.gaps.length > 0, { message: 'both gaps' })
    for (const node of [a, b]) {
      const { epoch } = node.delivered('room')[0] ?? { epoch: '' }
      t.match(await node.broker.read('room', { epoch, offset: 3 }), { reason: 'epoch', after: 2, head: 9 })
      t.match(await node.broker.read('room', { epoch, offset: 2 }), { reason: 'epoch', after: 2, entries: { length: 7 } })
    }
  })

  t.test('may have an older log than the one that was seen: that one does not go on either', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    // The next check compares what was acknowledged in the log that is gone, which is another gap.
    const node = await startNode(t, { redis: server.url, timings: { checkMs: 60_000 } })
    await node.join('room')
    await node.publish('room', 1, 3)
    const rollBack = server.snapshot()
    const { epoch } = await node.broker.publish('room', '4')
    await node.handed('room', 4)
    await server.connect(t).flushall()
    await node.broker.publish('room', '"another log"')
    await eventually(() => node.gaps.length === 1, { message: 'the first gap' })
    await server.kill()
    rollBack()
    await server.start()
    await eventually(() => node.gaps.length === 2, { message: 'the second gap' })
    t.not((await node.broker.publish('room', '"new"')).epoch, epoch)
  })

  t.test('is asked about thousands of channels and may be used as soon as it answered', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const node = await startNode(t, { redis: server.url, timings: { commandMs: 10_000 } })
    const channels = range(1, 3_000).map((number) => `c${number}`)
    await Promise.all(channels.map((channel) => node.broker.publish(channel, '1')))
    const rollBack = server.snapshot()
    const before = await Promise.all(channels.map((channel) => node.broker.publish(channel, '2')))
    await server.kill()
    rollBack()
    await server.start()
    await node.turned(true)
    const after = await Promise.all(channels.map((channel) => node.broker.publish(channel, '"new"')))
    t.ok(after.every(({ epoch, offset }, index) => offset === 2 && epoch !== before[index]?.epoch))
  })
})
