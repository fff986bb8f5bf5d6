import t from 'tap'
import { Admissions } from '../../src/limits/admissions.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { thrown } from '../codes.js'

function createAdmissions (maxConnections: number, maxConnectionsPerAddress: number): { admissions: Admissions, counters: LimitCounters } {
  const counters = new LimitCounters()
  return { admissions: new Admissions({ maxConnections, maxConnectionsPerAddress }, counters), counters }
}

t.test('admissions', async (t) => {
  t.test('are as many as there are places in all', async (t) => {
    const { admissions, counters } = createAdmissions(2, 10)
    admissions.enter('a')
    admissions.enter('b')
    t.equal(admissions.total, 2)
    for (const address of ['a', 'c']) {
      t.equal(thrown(() => { admissions.assertPlace(address) }), 'MSG_ERR_FULL')
      t.equal(thrown(() => { admissions.enter(address) }), 'MSG_ERR_FULL')
    }
    t.match([admissions.total, counters.get('maxConnections'), counters.get('maxConnectionsPerAddress')], [2, 4, 0])
    admissions.leave('a')
    admissions.enter('c')
    t.equal(admissions.total, 2)
  })

  t.test('are as many from one address as it may have, and others are let in', async (t) => {
    const { admissions, counters } = createAdmissions(10, 2)
    admissions.enter('a')
    admissions.enter('a')
    t.throws(() => { admissions.enter('a') }, { code: 'MSG_ERR_ADDRESS_FULL', statusCode: 429, message: /^This address has 2 connections/ })
    admissions.enter('b')
    t.match([admissions.total, counters.get('maxConnectionsPerAddress'), counters.get('maxConnections')], [3, 1, 0])
    admissions.leave('a')
    admissions.enter('a')
    t.equal(thrown(() => { admissions.assertPlace('a') }), 'MSG_ERR_ADDRESS_FULL')
  })

  t.test('are forgotten by address when the last one has left', async (t) => {
    const { admissions } = createAdmissions(10, 1)
    for (let round = 0; round < 3; round++) {
      admissions.enter('a')
      admissions.leave('a')
    }
    t.equal(admissions.total, 0)
    admissions.assertPlace('a')
  })
})
