import { EventEmitter } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import t from 'tap'
import { connect, type RedisClient } from '../../../../src/brokers/redis/connection/connection.js'
import { TIMINGS } from '../../../../src/brokers/redis/connection/timings.js'

/** A client that is not of ioredis and says nothing of its settings; it keeps what it is asked for a connection with. */
class OtherClient extends EventEmitter {
  readonly asked: unknown[][] = []
  readonly scripts: string[] = []
  commandQueue = { shift: () => undefined }

  constructor (readonly isCluster: boolean) {
    super()
  }

  duplicate (...settings: unknown[]): this {
    this.asked.push(settings)
    return this
  }

  defineCommand (name: string): void {
    this.scripts.push(name)
  }
}

const SETTINGS = { enableOfflineQueue: false, keyPrefix: '', protocol: 3, stringNumbers: false }

t.test('connect', async (t) => {
  t.test('asks a client of another make for a connection with the settings of this package', async (t) => {
    const client = new OtherClient(false)
    t.equal(connect(client as unknown as RedisClient, TIMINGS), client)
    t.match(client.asked, [[{ ...SETTINGS, maxRetriesPerRequest: 0 }]])
    t.ok(client.scripts.includes('messengerPublish'))
  })

  t.test('asks one of a cluster likewise, also where it does not say which nodes it started with', async (t) => {
    for (const settings of [{}, { options: { redisOptions: { db: 1 } } }]) {
      const client = Object.assign(new OtherClient(true), settings)
      t.equal(connect(client as unknown as RedisClient, TIMINGS), client)
      t.match(client.asked, [[[], { ...SETTINGS, shardedSubscribers: true, redisOptions: { protocol: 3 } }]])
      t.equal(client.listenerCount('+node'), 1)
    }
  })

  t.test('makes a connection of its own from a client of ioredis, with its settings', async (t) => {
    const host = new Redis({ lazyConnect: true, username: 'host', keyPrefix: 'host:', stringNumbers: true })
    const own = connect(host, TIMINGS)
    t.teardown(() => { own.disconnect() })
    t.not(own, host)
    t.match(own.options, { ...SETTINGS, username: 'host' })
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true, redisOptions: { username: 'host', stringNumbers: true } })
    const ownCluster = connect(cluster, TIMINGS) as unknown as Cluster
    t.teardown(() => { ownCluster.disconnect() })
    t.match(ownCluster.options, { ...SETTINGS, redisOptions: { ...SETTINGS, enableOfflineQueue: undefined, username: 'host' } })
  })
})
