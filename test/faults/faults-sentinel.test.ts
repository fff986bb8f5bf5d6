import t from 'tap'
import { resultOf, runFaults, TIMEOUT_MS } from './run-faults.js'

t.setTimeout(TIMEOUT_MS)

t.test('three instances on a master with a replica and Sentinels', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('lose nothing silently and hand over nothing twice while masters change', async (t) => {
    const { code, output } = await runFaults(t, ['--sentinel', '--instances', '3', '--messages', '400', '--faults', '4', '--seconds', '4', '--settle', '40', '--only', 'redis-failover,redis-switch,redis-cut,answer'])
    t.equal(code, 0, output)
    const { seeds: [result] } = resultOf(output)
    t.match(result, { instances: 3, lost: 0, duplicated: 0, violations: 0 })
    t.ok((result?.acknowledged ?? 0) >= 400, 'every message was acknowledged')
    t.ok((result?.redisRestarts ?? 0) >= 2, 'masters changed')
  })
})
