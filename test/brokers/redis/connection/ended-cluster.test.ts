import type { Cluster } from 'ioredis'
import t from 'tap'
import { guardEnd } from '../../../../src/brokers/redis/connection/ended-cluster.js'

t.test('A cluster\'s client', async (t) => {
  const create = (): { cluster: Cluster, done: string[] } => {
    const done: string[] = []
    const cluster = {
      disconnect (reconnect = false) { done.push(`disconnect ${reconnect}`) },
      refreshSlotsCache () { done.push('refresh') },
      async connect () { done.push('connect') }
    } as unknown as Cluster
    guardEnd(cluster)
    return { cluster, done }
  }

  t.test('goes on after a reconnect', async (t) => {
    const { cluster, done } = create()
    cluster.disconnect(true)
    cluster.refreshSlotsCache()
    await cluster.connect()
    t.strictSame(done, ['disconnect true', 'refresh', 'connect'])
  })

  t.test('does nothing after its end, whatever was under way', async (t) => {
    const { cluster, done } = create()
    cluster.disconnect()
    cluster.refreshSlotsCache()
    await t.rejects(cluster.connect(), { message: 'the connection was ended' })
    t.strictSame(done, ['disconnect false'])
  })

  t.test('of another make is left as it is', async (t) => {
    const disconnect = (): void => {}
    const cluster = { disconnect }
    guardEnd(cluster as unknown as Cluster)
    t.equal(cluster.disconnect, disconnect)
  })
})
