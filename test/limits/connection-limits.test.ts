import t from 'tap'
import { ConnectionLimits } from '../../src/limits/connection-limits.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { thrown } from '../codes.js'

function createConnectionLimits (max: number, maxPerAddress: number): { limits: ConnectionLimits, counters: LimitCounters } {
  const counters = new LimitCounters()
  return { limits: new ConnectionLimits({ max, maxPerAddress }, counters), counters }
}

t.test('ConnectionLimits', async (t) => {
  t.test('are as many as there are places in all', async (t) => {
    const { limits, counters } = createConnectionLimits(2, 10)
    limits.enter('a')
    limits.enter('b')
    t.equal(limits.total, 2)
    for (const address of ['a', 'c']) {
      t.equal(thrown(() => { limits.assertPlace(address) }), 'MSG_ERR_FULL')
      t.equal(thrown(() => { limits.enter(address) }), 'MSG_ERR_FULL')
    }
    t.match([limits.total, counters.get('maxConnections'), counters.get('maxConnectionsPerAddress')], [2, 4, 0])
    limits.leave('a')
    limits.enter('c')
    t.equal(limits.total, 2)
  })

  t.test('are as many from one address as it may have, and others are let in', async (t) => {
    const { limits, counters } = createConnectionLimits(10, 2)
    limits.enter('a')
    limits.enter('a')
    t.throws(() => { limits.enter('a') }, { code: 'MSG_ERR_ADDRESS_FULL', statusCode: 429, message: /^This address has 2 connections/ })
    limits.enter('b')
    t.match([limits.total, counters.get('maxConnectionsPerAddress'), counters.get('maxConnections')], [3, 1, 0])
    limits.leave('a')
    limits.enter('a')
    t.equal(thrown(() => { limits.assertPlace('a') }), 'MSG_ERR_ADDRESS_FULL')
  })

  t.test('are forgotten by address when the last one has left', async (t) => {
    const { limits } = createConnectionLimits(10, 1)
    for (let round = 0; round < 3; round++) {
      limits.enter('a')
      limits.leave('a')
    }
    t.equal(limits.total, 0)
    limits.assertPlace('a')
  })
})
