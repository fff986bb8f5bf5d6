import type { Cluster } from 'ioredis'
import t from 'tap'
import { ShardTerms } from '../../../../src/brokers/redis/failover/shard-terms.js'

t.test('ShardTerms', async (t) => {
  t.test('has no registration that another instance could witness or that ends', async (t) => {
    const nodes = (): never => t.fail('a node is asked') as never
    const terms = new ShardTerms({ nodes } as unknown as Cluster, nodes)
    await terms.witnessRequested()
    await terms.leave()
  })
})
