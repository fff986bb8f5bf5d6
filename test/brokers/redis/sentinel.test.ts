import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { range } from '../test-node.js'
import { eventually } from '../../eventually.js'
import { freePort } from '../../../scripts/free-port.mjs'
import { createDirectory } from '../../temporary.js'
import { startProxy } from './proxy.js'
import { startNode } from './redis-node.js'
import { RedisServer, startRedis } from './redis-server.js'

interface Guarded {
  master: RedisServer
  replica: RedisServer
  sentinel: RedisServer
}

/** A master with a replica, and a Sentinel that makes the replica a master when the other is gone. */
async function startGuarded (t: Test): Promise<Guarded> {
  const options = { tcp: true, args: ['--repl-diskless-sync-delay', '0'] }
  const master = await startRedis(t, options)
  const replica = await startRedis(t, { tcp: true, args: [...options.args, '--replicaof', '127.0.0.1', String(master.port)] })
  const redis = replica.connect(t)
  await eventually(async () => (await redis.info('replication')).includes('master_link_status:up'), { message: 'the replica follows' })
  const directory = createDirectory(t)
  const config = join(directory, 'sentinel.conf')
  writeFileSync(config, `
    sentinel monitor main 127.0.0.1 ${master.port} 1
    sentinel down-after-milliseconds main 300
    sentinel failover-timeout main 2000
  `)
  const sentinel = new RedisServer(directory, await freePort(), { args: [] })
  t.teardown(() => sentinel.kill())
  await sentinel.start('redis-server', [config, '--sentinel'], /\+monitor master/)
  const asked = sentinel.connect(t)
  await eventually(async () => (await asked.call('SENTINEL', 'REPLICAS', 'main') as unknown[]).length === 1, { message: 'the Sentinel knows the replica' })
  return { master, replica, sentinel }
}

t.test('When a Sentinel makes a replica the master', async (t) => {
  const { master, replica, sentinel } = await startGuarded(t)
  const proxy = await startProxy(t, sentinel.port)
  const url = `redis+sentinel://127.0.0.1:${proxy.port}/main`
  const [a, b] = [
    await startNode(t, { redis: url, timings: { commandMs: 300 } }),
    await startNode(t, { redis: url, timings: { commandMs: 300 } })
  ]
  const newMaster = replica.connect(t)

  t.test('nodes follow it; what it never had is announced as lost, and its ids are not given a second time', async (t) => {
    const redis = master.connect(t)
    for (const channel of ['whole', 'cut']) {
      await b.join(channel)
      await a.publish(channel, 1, 3)
      await b.handed(channel, 3)
    }
    await redis.wait(1, 5_000)
    await redis.call('ACL', 'SETUSER', 'default', '-psync', '-sync')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await a.publish('cut', 4, 5)
    await b.handed('cut', 5)
    const { epoch } = b.delivered('cut')[0] ?? { epoch: '' }
    await master.kill()
    await a.turned(false)
    await eventually(async () => (await newMaster.role())[0] === 'master', { within: 20_000, message: 'the failover' })
    await a.turned(true)
    const next = await a.broker.publish('cut', '"next"')
    t.not(next.epoch, epoch)
    t.equal(next.offset, 4)
    await eventually(() => b.gaps.length > 0, { message: 'the gap' })
    t.strictSame(await b.told(), ['cut'])
    t.match(await b.broker.read('cut', { epoch, offset: 5 }), { reason: 'epoch', after: 3, head: 4 })
    await a.publish('whole', 4)
    await b.handed('whole', 4)
    t.strictSame(b.offsets('whole'), range(1, 4))
    t.equal(new Set(b.delivered('whole').map((entry) => entry.epoch)).size, 2, 'a term, an epoch')
    t.strictSame(await b.told(), ['cut'])
  })

  t.test('instances come back when silent Sentinels answer again', async (t) => {
    proxy.deaf = true
    await newMaster.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await newMaster.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await a.turned(false)
    const { taken } = proxy
    // Each connection asks several times, and is interrupted while it asks.
    await eventually(() => proxy.taken > taken + 16, { message: 'many questions' })
    t.equal(a.broker.ready, false)
    proxy.deaf = false
    await a.turned(true)
    await b.turned(true)
    const { offset } = await a.broker.publish('whole', '"back"')
    await b.handed('whole', offset)
    t.strictSame(b.offsets('whole'), range(1, offset))
  })
})
