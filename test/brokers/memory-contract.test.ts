import t from 'tap'
import { MemoryBroker } from '../../src/brokers/memory.js'
import { testContract } from './contract.js'
import { TestNode } from './test-node.js'

testContract(t, 'MemoryBroker', (t, retention) => {
  const node = new TestNode((receiver) => new MemoryBroker(receiver, { size: 1_000, ttlMs: 60_000, maxBytes: 1e9, ...retention }))
  t.teardown(() => node.broker.close())
  return Promise.resolve([node, node])
})
