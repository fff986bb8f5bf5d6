import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Cluster } from 'ioredis'
import t from 'tap'
import { type Commands, connect } from '../../../../src/brokers/redis/connection/connection.js'
import { Link } from '../../../../src/brokers/redis/connection/link.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import { rejectionOf } from '../../../../src/brokers/redis/connection/refusal.js'
import { Subscriptions } from '../../../../src/brokers/redis/connection/subscriptions.js'
import { startNode, TEST_TIMINGS, uniquePrefix } from '../redis-node.js'
import { startCluster } from '../redis-cluster.js'
import { eventually } from '../../../eventually.js'

const TIMINGS = { ...TEST_TIMINGS, commandMs: 2_000 }

t.test('A link to a cluster', async (t) => {
  const cluster = await startCluster(t)
  const keyPrefix = uniquePrefix()
  const channels = (await cluster.channels(keyPrefix)).flat()
  const names = new Names(keyPrefix, 0)

  t.test('subscribes on every master after its client was disconnected while a subscriber was connecting', async (t) => {
    const clients: Commands[] = []
    const received: string[] = []
    const link = new Link(TIMINGS, {
      open () {
        const client = connect(cluster.url, TIMINGS)
        // The client begins to connect its subscribers, and loses all of them before they are.
        if (clients.push(client) === 1) client.once('+subscriber', () => { setImmediate(() => { client.disconnect(true) }) })
        return client
      },
      onReady () {},
      onLost () {},
      onMessage (name, text) { received.push(`${name} ${text}`) }
    })
    t.teardown(() => { link.close() })
    const subscriptions = new Subscriptions(link, names, TIMINGS)
    await eventually(() => link.ready, { message: 'the client is ready' })
    for (const channel of channels) {
      await eventually(async () => await rejectionOf(subscriptions.subscribe(channel)) === undefined, { message: `${channel} is subscribed to` })
    }
    for (const [index, channel] of channels.entries()) await cluster.masters[index]?.redis.call('SPUBLISH', names.live(channel), 'text')
    await eventually(() => received.length === channels.length, { message: 'a message of every master' })
    t.strictSame(received.sort(), channels.map((channel) => `${names.live(channel)} text`).sort())
  })

  t.test('replaces a client that stops to connect without an end', async (t) => {
    const clients: Commands[] = []
    const timings = { ...TIMINGS, commandMs: 500 }
    const link = new Link(timings, {
      open () {
        const client = connect(cluster.url, timings)
        // ioredis 6.0.0 forgets a reconnect that is requested before it has looked up the names of the nodes.
        if (clients.push(client) === 1) client.disconnect(true)
        return client
      },
      onReady () {},
      onLost () {}
    })
    t.teardown(() => { link.close() })
    await eventually(() => link.ready, { message: 'the client is ready' })
    t.equal(clients.length, 2)
  })

  t.test('serves a broker that was started with a client which stops to connect without an end', async (t) => {
    const clients: Cluster[] = []
    const host = {
      isCluster: true,
      duplicate (_nodes: unknown, options: ConstructorParameters<typeof Cluster>[1]) {
        const client = new Cluster(cluster.masters.map(({ server }) => ({ host: '127.0.0.1', port: server.port })), options)
        // The first one is that of the commands.
        if (clients.push(client) === 1) client.disconnect(true)
        return client
      }
    }
    const node = await startNode(t, { redis: host as unknown as Cluster, keyPrefix, timings: { ...TIMINGS, commandMs: 500 } })
    t.ok(clients.length > 2, 'one was replaced')
    await node.join('room')
    await node.publish('room', 1)
    await node.handed('room', 1)
  })

  t.test('leaves nothing behind when it ends during a refresh of the slots', async (t) => {
    const program = fileURLToPath(new URL('./end-while-refreshing.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, program, cluster.url], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000, killSignal: 'SIGKILL' })
    t.strictSame(await once(child, 'exit'), [0, null], 'the process ends by itself')
  })
})
