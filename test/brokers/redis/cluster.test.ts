import t from 'tap'
import { Cluster } from 'ioredis'
import { rejection } from '../../codes.js'
import { testContract } from '../contract.js'
import { range, type TestNode } from '../test-node.js'
import { eventually } from '../../eventually.js'
import { startMemberNode } from './member-node.js'
import { startNode, uniquePrefix } from './redis-node.js'
import { startCluster } from './redis-cluster.js'
import { type Proxy, startProxy } from './proxy.js'

/** Longer than a takeover takes, so that the test sees one and not the other. */
const AUDIT_MS = 60_000
/** A cluster's client knows whom to subscribe at some time after it is ready; on a busy machine that is a long one. */
const PATIENT = { commandMs: 3_000 }

async function published (node: TestNode, channel: string, text: string): Promise<{ epoch: string, offset: number }> {
  let published: { epoch: string, offset: number } | undefined
  await eventually(async () => {
    published = await node.broker.publish(channel, text, { idempotencyKey: text }).catch(() => undefined)
    return published !== undefined
  }, { within: 30_000, message: `${text} is published to ${channel}` })
  return published as { epoch: string, offset: number }
}

/**
 * Publishes until a message is handed to `b`. A loss may be found twice, by a reader and by the publisher that compares what it
 * acknowledged; with the second gap, messages published since the first are for each subscriber to read from the log.
 */
async function delivers (a: TestNode, b: TestNode, channel: string): Promise<void> {
  const before = b.delivered(channel).length
  let number = 0
  await eventually(async () => {
    await published(a, channel, `"live ${++number}"`)
    return b.delivered(channel).length > before
  }, { within: 30_000, message: `a message of ${channel} is delivered` })
}

const cluster = await startCluster(t)

testContract(t, 'RedisBroker with a cluster', async (t, retention) => {
  const options = { redis: cluster.url, keyPrefix: uniquePrefix(), ...retention, timings: PATIENT }
  return [await startNode(t, options), await startNode(t, options)]
})

t.test('Two nodes on a cluster', async (t) => {
  t.test('have channels on every master, and listen only to those that are occupied', async (t) => {
    const keyPrefix = uniquePrefix()
    const [a, b] = [
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT }),
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT })
    ]
    const channels = (await cluster.channels(keyPrefix)).flat()
    for (const channel of channels) {
      await b.join(channel)
      await a.publish(channel, 1, 20)
      await b.handed(channel, 20)
      t.strictSame(b.offsets(channel), range(1, 20))
    }
    const listened = async (): Promise<unknown[]> => await Promise.all(cluster.masters.map(({ redis }) => redis.call('PUBSUB', 'SHARDCHANNELS', `${keyPrefix}*`)))
    t.strictSame(await listened(), channels.map((channel) => [`${keyPrefix}{${channel}}:live`]))
    for (const channel of channels) b.leave(channel)
    await eventually(async () => (await listened()).flat().length === 0, { message: 'none' })
  })

  t.test('count the subscribers of both', async (t) => {
    const keyPrefix = uniquePrefix()
    const [a, b] = [
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT }),
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT })
    ]
    await a.join('room')
    await b.join('room')
    await eventually(() => a.broker.count('room') === 2 && b.broker.count('room') === 2, { message: 'two' })
  })

  t.test('read on where they stood after every connection was ended', async (t) => {
    const keyPrefix = uniquePrefix()
    const [a, b] = [
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT }),
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT })
    ]
    const channels = (await cluster.channels(keyPrefix)).flat()
    for (const channel of channels) await b.join(channel)
    for (let round = 1; round <= 6; round++) {
      for (const { redis } of cluster.masters) await redis.call('CLIENT', 'KILL', 'TYPE', round % 2 === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes').catch(() => undefined)
      for (const channel of channels) await published(a, channel, String(round))
      for (const channel of channels) await b.handed(channel, round)
    }
    for (const channel of channels) t.strictSame(b.messages(channel), range(1, 6).map(String))
    t.strictSame(await b.told(), [])
  })

  t.test('use a client of the host, with addresses of its own, and leave it as it was', async (t) => {
    const keyPrefix = uniquePrefix()
    const proxies: Proxy[] = []
    const natMap: Record<string, { host: string, port: number }> = {}
    for (const { server } of cluster.masters) {
      const proxy = await startProxy(t, server.port)
      proxies.push(proxy)
      natMap[`127.0.0.1:${server.port}`] = { host: '127.0.0.1', port: proxy.port }
    }
    const host = new Cluster(proxies.map(({ port }) => ({ host: '127.0.0.1', port })), {
      // ioredis 6.0.0 does not end a client for good that is disconnected while it reads the slots.
      natMap, keyPrefix: 'host:', shardedSubscribers: false, lazyConnect: true, slotsRefreshInterval: 0
    })
    t.teardown(() => { host.disconnect() })
    const [a, b] = [
      await startNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT }),
      await startNode(t, { redis: host, keyPrefix, timings: { auditMs: 300, commandMs: 500 } })
    ]
    const channels = (await cluster.channels(keyPrefix)).flat()
    for (const channel of channels) {
      await b.join(channel)
      await published(a, channel, '1')
      await b.handed(channel, 1)
    }
    t.equal(host.status, 'wait')

    // These connections are not monitored; the audit finds that entries are missing, and then that the connections are dead.
    t.ok(proxies.reduce((count, proxy) => count + proxy.stall('ssubscribe'), 0) >= 1)
    for (const channel of channels) {
      await published(a, channel, '2')
      await b.handed(channel, 2)
    }
    await eventually(async () => {
      const channel = channels[0] as string
      const before = b.delivered(channel).length
      await published(a, channel, String(before + 1))
      const from = performance.now()
      await b.handed(channel, before + 1)
      return performance.now() - from < 50
    }, { message: 'notifications again' })
    for (const channel of channels) t.strictSame(b.offsets(channel), range(1, b.offsets(channel).length))
    await b.broker.close()
    await host.set('key', 'value')
    t.equal(await host.get('key'), 'value')
  })
})

t.test('When a master of the cluster fails', async (t) => {
  const cluster = await startCluster(t, 1)
  const keyPrefix = await cluster.prefix()
  const options = { redis: cluster.url, keyPrefix, timings: { auditMs: AUDIT_MS } }
  const [a, b] = [await startNode(t, options), await startNode(t, options)]
  const [[failing], [steady]] = await cluster.channels(keyPrefix) as [[string], [string], [string]]
  const [{ server: master, redis }] = cluster.masters as [typeof cluster.masters[0]]
  const [{ redis: replica }] = cluster.replicas as [typeof cluster.replicas[0]]

  t.test('the other channels go on, its own reject until a replica took over, then go on as well', async (t) => {
    for (const channel of [failing, steady]) {
      await b.join(channel)
      await published(a, channel, '"before"')
      await b.handed(channel, 1)
    }
    await redis.wait(1, 5_000)
    // Later messages do not reach the replica that takes over.
    await redis.call('ACL', 'SETUSER', 'default', '-psync', '-sync')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'replica')
    const lost = await published(a, failing, '"lost"')
    await b.handed(failing, 2)
    await master.kill()
    t.equal(await rejection(a.broker.publish(failing, '"refused"')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await published(a, steady, '"meanwhile"')
    await b.handed(steady, 2)
    await eventually(async () => (await replica.role())[0] === 'master', { within: 20_000, message: 'the replica took over' })
    const next = await published(a, failing, '"after"')
    t.not(next.epoch, lost.epoch, 'no id is given a second time')
    await eventually(() => b.gaps.includes(failing), { message: 'the gap' })
    t.match(await b.broker.read(failing, lost), { reason: 'epoch', after: 1, entries: [{ message: '"after"' }] })
    await delivers(a, b, failing)
    t.strictSame(b.messages(steady), ['"before"', '"meanwhile"'])
    t.strictSame([...new Set(await b.told())], [failing])
  })

  t.test('and has no replica, the channels of the others are delivered all the same', async (t) => {
    const [, [c], [d]] = await cluster.channels(keyPrefix) as [[string], [string], [string]]
    const third = cluster.masters[2] as typeof cluster.masters[0]
    await b.join(d)
    await published(a, d, '"1"')
    await b.handed(d, 1)
    await third.server.kill()
    t.equal(await rejection(a.broker.publish(d, '"refused"')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    const before = b.delivered(c).length
    await cluster.masters[1]?.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await published(a, c, '"still"')
    await b.handed(c, before + 1)
    t.equal(b.messages(c).at(-1), '"still"')

    // The logs of the dead master cannot be read when another master changes; they are compared once it is back.
    await cluster.masters[1]?.redis.call('DEBUG', 'CHANGE-REPL-ID')
    await published(a, c, '"behind a gap"')
    await eventually(() => b.gaps.includes(c), { message: 'the gap' })
    await delivers(a, b, c)
    t.equal(a.broker.ready, true)
    const epoch = b.delivered(d)[0]?.epoch
    await third.server.start()
    t.not((await published(a, d, '"2"')).epoch, epoch)
    await eventually(() => b.gaps.includes(d), { message: 'the gap' })
  })
})

t.test('The members of channels on a cluster', async (t) => {
  t.test('are known on every master, and leave with a dead instance', async (t) => {
    const keyPrefix = uniquePrefix()
    const [a, b] = [
      await startMemberNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT }),
      await startMemberNode(t, { redis: cluster.url, keyPrefix, timings: PATIENT })
    ]
    const channels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const channel of channels) {
      a.set('7', 1, channel)
      b.set('8', 1, channel)
      await b.shows('7: 1,8: 1', channel)
    }
    await a.die()
    for (const channel of channels) {
      await b.shows('8: 1', channel)
      t.strictSame((await b.published(channel)).sort(), ['{"join":"7"}', '{"join":"8"}', '{"leave":"7"}'])
    }
  })
})
