import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { rejection } from '../../codes.js'
import { eventually, turn } from '../../eventually.js'
import { range, type TestNode } from '../test-node.js'
import { createNode, startNode } from './redis-node.js'
import { startProxy } from './proxy.js'
import { freePort } from '../../../scripts/free-port.mjs'
import { startRedis } from './redis-server.js'

/** Publishes like one who tries again, with a key, until it is told that the message is kept. */
async function insist (node: TestNode, channel: string, text: string): Promise<{ epoch: string, offset: number }> {
  for (;;) {
    try {
      return await node.broker.publish(channel, text, { idempotencyKey: text })
    } catch {
      await turn()
      await node.turned(true)
    }
  }
}

t.test('While Redis is away', async (t) => {
  t.test('publishing, reading and listening reject with MSG_ERR_ENGINE_UNAVAILABLE, and subscribers stay', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url })
    await node.join('room')
    await server.kill()
    await node.turned(false)
    await t.rejects(node.broker.publish('room', '1'), { code: 'MSG_ERR_ENGINE_UNAVAILABLE', statusCode: 503 })
    t.equal(await rejection(node.broker.read('room', 'now')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.equal(await rejection(node.join('other')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.match(node, { gaps: [], broker: { ready: false } })
    t.equal(node.count('room'), 1)
  })

  t.test('a node starts, and is ready as soon as Redis is', async (t) => {
    const server = await startRedis(t)
    await server.kill()
    const node = createNode(t, { redis: server.url })
    let started = false
    void node.broker.started.then(() => { started = true })
    t.equal(await rejection(node.broker.publish('room', '1')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.equal(started, false)
    await server.start()
    await node.broker.started
    t.equal(node.broker.ready, true)
    t.match(await node.broker.publish('room', '1'), { offset: 1 })
  })

  t.test('a message is refused that a paused server does not answer in time', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url, timings: { commandMs: 200, auditMs: 20 } })
    await node.join('room')
    server.pause()
    t.equal(await rejection(node.broker.publish('room', '1')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await node.turned(false)
    server.resume()
    await node.turned(true)
  })

  t.test('a channel that is left and joined is one that is joined when Redis is back', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url })
    await node.join('left')
    await node.join('joined')
    await server.kill()
    await node.turned(false)
    node.leave('left')
    t.equal(await rejection(node.join('new')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    node.leave('new')
    t.equal(await rejection(node.join('waiting')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await server.start()
    await node.turned(true)
    const redis = server.connect(t)
    await eventually(async () => (await redis.call('PUBSUB', 'SHARDCHANNELS', '*:live') as string[]).length === 2, { message: 'subscriptions' })
    t.strictSame((await redis.call('PUBSUB', 'SHARDCHANNELS', '*:live') as string[]).sort(), ['m:{joined}:live', 'm:{waiting}:live'])
    await eventually(() => node.gaps.length === 1, { message: 'the empty log is another one' })
    await node.broker.publish('joined', '1')
    await node.broker.publish('waiting', '2')
    await node.handed('joined', 1)
    await node.handed('waiting', 1)
  })

  t.test('closing leaves nothing that keeps the process for more than seconds', async (t) => {
    const port = await freePort()
    const program = `
      import { RedisBroker } from './src/brokers/redis/redis.ts'
      const receiver = { deliver () {}, moved () {}, count: () => 0, occupied: () => [] }
      for (const redis of ['redis://127.0.0.1:${port}', 'redis+sentinel://127.0.0.1:${port}/m', 'redis+cluster://127.0.0.1:${port}']) {
        const broker = new RedisBroker(receiver, { redis, keyPrefix: 'm:', size: 1, ttlMs: 1000, timings: { commandMs: 300 } })
        broker.listen('room').catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 100))
        await broker.close()
      }
      const closedAt = performance.now()
      process.once('exit', () => { console.log(performance.now() - closedAt) })`
    const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.setEncoding('utf8')
    const [text] = await once(child.stdout, 'data') as [string]
    t.ok(Number(text) < 3_000, `${text} ms`)
    t.strictSame(await once(child, 'exit'), [0, null])
  })

  t.test('closing does not wait for a server that stands still', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url, timings: { commandMs: 200 } })
    server.pause()
    const from = performance.now()
    await node.broker.close()
    t.ok(performance.now() - from < 1_000)
  })
})

t.test('When many subscribers return at once', async (t) => {
  t.test('their answers end no connection, whatever their size', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url, timings: { commandMs: 10_000 } })
    await node.join('room')
    const text = JSON.stringify('x'.repeat(512 * 1_024))
    for (let number = 0; number < 32; number++) await node.broker.publish('room', text)
    const { epoch, head } = await node.broker.read('room', 'now')
    node.statuses.length = 0
    // More than the 32 MB that Redis keeps for a connection with a subscription.
    const reads = await Promise.all(range(0, 4).map((offset) => node.broker.read('room', { epoch, offset })))
    t.strictSame(reads.map(({ entries }) => entries.length), range(head - 4, head).reverse())
    t.strictSame(node.statuses, [], 'ready all the time')
  })
})

t.test('When Redis is back', async (t) => {
  t.test('with its data, every occupied channel goes on after its last message, in order and without a gap', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    const channels = range(1, 20).map((number) => `c${number}`)
    for (const channel of channels) await b.join(channel)
    const publishing = Promise.all(channels.map(async (channel) => {
      for (const number of range(1, 60)) await insist(a, channel, String(number))
    }))
    for (let kill = 0; kill < 3; kill++) {
      const from = b.delivered('c1').length
      await eventually(() => b.delivered('c1').length > from + 5 || b.delivered('c1').length === 60, { message: 'some messages' })
      await server.restart()
      await a.turned(true)
    }
    await publishing
    for (const channel of channels) {
      await b.handed(channel, 60)
      t.strictSame(b.messages(channel), range(1, 60).map(String))
      t.strictSame(b.offsets(channel), range(1, 60))
    }
    t.ok(new Set(b.delivered('c1').map(({ epoch }) => epoch)).size > 1, 'under another epoch after each restart')
    t.strictSame(await b.told(), [])
  })

  t.test('without its data, every occupied channel is told so, and goes on under another epoch', async (t) => {
    const server = await startRedis(t)
    const node = await startNode(t, { redis: server.url })
    for (const channel of ['a', 'b']) {
      await node.join(channel)
      await node.publish(channel, 1, 3)
      await node.handed(channel, 3)
    }
    const old = node.delivered('a')[2]
    await server.restart()
    await eventually(() => node.gaps.length === 2, { message: 'both gaps' })
    t.strictSame(node.gaps.sort(), ['a', 'b'])
    t.match(await node.broker.read('a', { epoch: old?.epoch ?? '', offset: 3 }), { reason: 'epoch', head: 0, entries: { length: 0 } })
    t.match(await node.broker.publish('a', '4'), { offset: 1 })
    await node.handed('a', 4)
    t.not(node.delivered('a')[3]?.epoch, old?.epoch)
    const redis = server.connect(t)
    for (const key of await redis.keys('*')) t.equal(await redis.pttl(key) === -1, key === 'm:instances', `${key}: all but the register expires`)
  })

  t.test('and more was published than is kept, subscribers are told of the gap', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url, size: 5 }), await startNode(t, { redis: proxy.url, size: 5 })]
    await b.join('room')
    await a.publish('room', 1, 2)
    await b.handed('room', 2)
    proxy.deaf = true
    proxy.cut()
    await b.turned(false)
    await a.publish('room', 3, 20)
    proxy.deaf = false
    await eventually(() => b.gaps.length === 1, { message: 'the gap' })
    const { epoch, offset } = b.delivered('room')[1] ?? { epoch: '', offset: 0 }
    t.match(await b.broker.read('room', { epoch, offset }), { reason: 'expired', after: 15, head: 20, entries: { length: 5 } })
    await a.publish('room', 21)
    await b.handed('room', 3)
    t.strictSame(b.offsets('room'), [1, 2, 21])
  })

  t.test('after a pause, nothing is missing and nothing is there twice, whether or not the pause was noticed', async (t) => {
    for (const commandMs of [5_000, 150]) {
      const server = await startRedis(t)
      const [a, b] = [
        await startNode(t, { redis: server.url, timings: { commandMs } }),
        await startNode(t, { redis: server.url, timings: { commandMs } })
      ]
      await b.join('room')
      let number = 0
      const stop = new AbortController()
      const publisher = (async () => { while (!stop.signal.aborted) await insist(a, 'room', String(++number)) })()
      await b.handed('room', 20)
      for (let pause = 0; pause < 3; pause++) {
        server.pause()
        if (commandMs < 1_000) await b.turned(false)
        else await turn()
        server.resume()
        await b.turned(true)
      }
      const from = b.delivered('room').length
      await b.handed('room', from + 20)
      stop.abort()
      await publisher
      await b.handed('room', number)
      t.strictSame(b.messages('room'), range(1, number).map(String))
      t.strictSame(b.offsets('room'), range(1, number))
    }
  })

  t.test('after a connection was cut off silently, that is noticed, and what was missed comes first', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: proxy.url, timings: { commandMs: 200 } })]
    await b.join('room')
    await a.publish('room', 1, 3)
    await b.handed('room', 3)
    t.equal(proxy.stall('ssubscribe'), 1)
    await a.publish('room', 4, 10)
    await b.turned(false)
    await b.turned(true)
    await a.publish('room', 11)
    await b.handed('room', 11)
    t.strictSame(b.offsets('room'), range(1, 11))
    t.equal(proxy.stall('evalsha'), 1)
    await b.turned(false)
    await b.turned(true)
    t.match(await b.broker.publish('room', '12'), { offset: 12 })
  })

  t.test('after a log could not be read when a message was missed, it is read as soon as it can be', async (t) => {
    const server = await startRedis(t)
    const redis = server.connect(t)
    const node = await startNode(t, { redis: server.url })
    await node.join('room')
    await node.publish('room', 1)
    await node.handed('room', 1)
    const { epoch } = await node.broker.read('room', 'now')
    await redis.call('ACL', 'SETUSER', 'default', '-evalsha', '-eval')
    await redis.hset('m:{room}:meta', 'head', 3)
    for (const offset of [2, 3]) await redis.xadd('m:{room}:log', `${offset}-${Date.now()}`, 'm', String(offset))
    await redis.spublish('m:{room}:live', `${epoch}:3 3`)
    await eventually(async () => (await redis.call('ACL', 'LOG') as unknown[]).length > 0, { message: 'a denial' })
    t.strictSame(node.messages('room'), ['1'])
    await redis.call('ACL', 'SETUSER', 'default', 'allcommands')
    await node.handed('room', 3)
    t.strictSame(node.offsets('room'), range(1, 3))
  })

  t.test('after the subscriptions were ended by the server, nothing is missing', async (t) => {
    const server = await startRedis(t)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    const redis = server.connect(t)
    await b.join('room')
    let number = 0
    const stop = new AbortController()
    const publisher = (async () => { while (!stop.signal.aborted) await insist(a, 'room', String(++number)) })()
    for (let round = 0; round < 10; round++) {
      await redis.call('CLIENT', 'KILL', 'TYPE', round % 2 === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes')
      const from = b.delivered('room').length
      await b.handed('room', from + 5)
    }
    stop.abort()
    await publisher
    await b.handed('room', number)
    t.strictSame(b.messages('room'), range(1, number).map(String))
    t.strictSame(b.offsets('room'), range(1, number))
    t.strictSame(await b.told(), [])
  })

  t.test('and refuses something for a while, what failed is tried again without a new connection', async (t) => {
    const server = await startRedis(t)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    const redis = server.connect(t)
    await b.join('room')
    await a.publish('room', 1)
    await b.handed('room', 1)
    for (const refused of ['ssubscribe', 'subscribe', 'info', 'evalsha']) {
      await redis.call('ACL', 'SETUSER', 'default', `-${refused}`, ...refused === 'evalsha' ? ['-eval'] : [])
      await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      // The clients themselves ask for INFO once a connection; the one after these is the broker's.
      const denials = refused === 'info' ? 3 : 1
      await eventually(async () => (await redis.call('ACL', 'LOG') as [string, number][]).reduce((sum, [, count]) => sum + count, 0) >= denials, { message: 'the denials' })
      await redis.call('ACL', 'LOG', 'RESET')
      await redis.call('ACL', 'SETUSER', 'default', 'allcommands')
      await a.turned(true)
      const from = b.delivered('room').length
      await insist(a, 'room', refused)
      await b.handed('room', from + 1)
    }
    t.strictSame(b.offsets('room'), range(1, 5))
    t.strictSame(await b.told(), [])
  })

  t.test('and refuses the register of instances, a node is not ready until it is answered', async (t) => {
    const server = await startRedis(t)
    const redis = server.connect(t)
    await redis.call('ACL', 'SETUSER', 'default', '-hgetall')
    const node = createNode(t, { redis: server.url })
    await eventually(async () => (await redis.call('ACL', 'LOG') as unknown[]).length > 0, { message: 'a denial' })
    t.equal(node.broker.ready, false)
    await redis.call('ACL', 'SETUSER', 'default', '+hgetall')
    await node.turned(true)
  })

  t.test('and refuses the messages of instances for a while, the counts of the others are known with the next audit', async (t) => {
    const server = await startRedis(t)
    const redis = server.connect(t)
    await redis.call('ACL', 'SETUSER', 'default', '-subscribe')
    const [a, b] = [
      await startNode(t, { redis: server.url, timings: { auditMs: 50 } }),
      await startNode(t, { redis: server.url, timings: { auditMs: 50 } })
    ]
    await b.join('room')
    await eventually(async () => (await redis.call('ACL', 'LOG') as unknown[]).length > 0, { message: 'a refusal' })
    t.equal(a.broker.count('room'), 0)
    await redis.call('ACL', 'SETUSER', 'default', '+subscribe')
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
  })

  t.test('a channel that is left while the others are caught up is not listened to again', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: proxy.url })]
    const channels = range(1, 600).map((number) => `c${number}`)
    await Promise.all(channels.map((channel) => b.join(channel)))
    proxy.deaf = true
    proxy.cut()
    await b.turned(false)
    await a.publish('c1', 1)
    b.onDeliver = () => { for (const channel of channels.slice(1)) b.leave(channel) }
    proxy.deaf = false
    await b.handed('c1', 1)
    b.onDeliver = undefined
    await a.publish('c1', 2)
    await b.handed('c1', 2)
    await eventually(async () => (await server.connect(t).call('PUBSUB', 'SHARDCHANNELS', '*:live') as string[]).join() === 'm:{c1}:live', { message: 'c1 only' })
  })

  t.test('a thousand occupied channels are caught up within three seconds', async (t) => {
    const server = await startRedis(t, { appendOnly: true })
    const proxy = await startProxy(t, server.socket)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: proxy.url })]
    const channels = range(1, 1_000).map((number) => `c${number}`)
    await Promise.all(channels.map((channel) => b.join(channel)))
    proxy.deaf = true
    proxy.cut()
    const began = performance.now()
    await Promise.all(channels.map((channel) => a.publish(channel, 1, 3)))
    const from = performance.now()
    proxy.deaf = false
    await eventually(() => channels.every((channel) => b.delivered(channel).length === 3), { message: 'all of them' })
    // On a busy machine the publishes took long as well.
    const within = Math.max(3_000, 5 * (from - began))
    t.ok(performance.now() - from < within, `${performance.now() - from} ms, of ${within}`)
    t.ok(channels.every((channel) => b.offsets(channel).join() === '1,2,3'))
  })

  t.test('after any number of cuts while nodes publish, join and leave, each listener has every message since it joined', async (t) => {
    const server = await startRedis(t)
    const proxies = [await startProxy(t, server.socket), await startProxy(t, server.socket)]
    const nodes = await Promise.all(proxies.map((proxy) => startNode(t, { redis: proxy.url, size: 10_000, timings: { auditMs: 500 } })))
    let seed = 7
    const random = (below: number): number => { seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31; return seed % below }
    for (const node of nodes) await node.join('steady')
    const stop = new AbortController()
    const published: string[] = []
    const publishers = nodes.map(async (node, index) => {
      for (let number = 1; !stop.signal.aborted; number++) {
        const text = `"${index}-${number}"`
        await insist(node, 'steady', text)
        published.push(text)
        await insist(node, 'restless', text)
      }
    })
    for (let round = 0; round < 25; round++) {
      const node = nodes[random(2)] as TestNode
      const proxy = proxies[random(2)]
      switch (random(4)) {
        case 0: proxy?.cut('ssubscribe'); break
        case 1: proxy?.cut(); break
        case 2: await server.connect(t).call('CLIENT', 'KILL', 'TYPE', 'pubsub'); break
        default: proxy?.cut('evalsha')
      }
      if (node.count('restless') > 0) node.leave('restless')
      else await node.join('restless').catch(() => undefined)
      const from = published.length
      await eventually(() => published.length > from + random(8), { message: 'some messages' })
    }
    stop.abort()
    await Promise.all(publishers)
    for (const node of nodes) {
      await node.handed('steady', published.length)
      t.strictSame(node.messages('steady').sort(), published.sort())
      t.strictSame(node.offsets('steady'), range(1, published.length))
      const restless = node.offsets('restless')
      t.ok(restless.every((offset, index) => index === 0 || offset > (restless[index - 1] ?? 0)), 'in order and once')
    }
  })
})
