import { EventEmitter } from 'node:events'
import { type Cluster, Redis } from 'ioredis'
import t from 'tap'
import { guardShardedSubscribers } from '../../../../src/brokers/redis/connection/sharded-subscribers.js'

t.test('The sharded subscribers of a cluster\'s client', async (t) => {
  const group = { shardedSubscribers: new Map<string, { getInstance (): Redis | null }>(), subscriberGroupEmitter: new EventEmitter() }
  guardShardedSubscribers({ shardedSubscribers: group } as unknown as Cluster)
  const add = (name: string, connection: Redis | null): void => {
    group.shardedSubscribers.set(name, { getInstance: () => connection })
    group.subscriberGroupEmitter.emit('+subscriber')
  }

  t.test('handle errors after they were stopped', async (t) => {
    const connection = new Redis({ lazyConnect: true })
    add('a', connection)
    add('stopped', null)
    add('b', new Redis({ lazyConnect: true }))
    connection.disconnect()
    connection.removeAllListeners()
    t.equal(connection.listenerCount('error'), 1)
    t.equal(connection.emit('error', new Error('Command timed out')), true)
  })

  t.test('keep their listeners while they are open', async (t) => {
    const connection = new Redis({ lazyConnect: true })
    const errors: unknown[] = []
    connection.on('error', (error) => { errors.push(error) })
    add('c', connection)
    connection.emit('error', new Error('first'))
    t.equal(errors.length, 1)
    t.equal(connection.listenerCount('error'), 1)
  })

  t.test('may be missing from a client of another make', async () => {
    guardShardedSubscribers({} as Cluster)
  })

  t.test('are where the guard looks for them', async (t) => {
    const { Cluster } = await import('ioredis')
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, shardedSubscribers: true })
    const { shardedSubscribers } = cluster as unknown as { shardedSubscribers?: typeof group }
    t.ok(shardedSubscribers?.shardedSubscribers instanceof Map)
    t.ok(shardedSubscribers?.subscriberGroupEmitter instanceof EventEmitter)
    guardShardedSubscribers(cluster)
    cluster.disconnect()
  })
})
