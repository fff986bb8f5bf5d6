import t from 'tap'
import { resultOf, runFaults, TIMEOUT_MS } from './run-faults.js'

const KINDS = 'cluster-failover,cluster-switch,cluster-slot,redis-cut,redis-freeze,answer'

t.setTimeout(TIMEOUT_MS)

t.test('two instances on a cluster of three masters with a replica each', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('lose nothing silently and hand over nothing twice while masters change and slots move', async (t) => {
    const { code, output } = await runFaults(t, ['--cluster', '--messages', '400', '--faults', '8', '--seconds', '6', '--settle', '40', '--only', KINDS])
    t.equal(code, 0, output)
    const { seeds: [result] } = resultOf(output)
    t.match(result, { instances: 2, lost: 0, duplicated: 0, violations: 0 })
    t.ok((result?.acknowledged ?? 0) >= 400, 'every message was acknowledged')
    t.ok((result?.redisRestarts ?? 0) >= 2, 'masters changed')
    t.ok((result?.moves ?? 0) >= 1, 'a slot was moved')
    t.ok((result?.faults['redis-cut'] ?? 0) >= 1, 'connections between an instance and the nodes broke')
  })
})
