import t from 'tap'
import { resultOf, runFaults, TIMEOUT_MS } from './run-faults.js'

/** With all instances there nobody has to be told of a gap. */
const KEEPING = 'redis-kill,redis-pause,answer'

t.setTimeout(TIMEOUT_MS)

t.test('two instances on one Redis under faults', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('lose nothing silently and hand over nothing twice while instances, Redis and the way between fail', async (t) => {
    const { code, output } = await runFaults(t, ['--redis', '--messages', '600', '--faults', '22', '--seconds', '6', '--settle', '40'])
    t.equal(code, 0, output)
    const { ok, seeds: [result] } = resultOf(output)
    t.match(result, { instances: 2, lost: 0, duplicated: 0, violations: 0, dataLosses: 2 })
    t.equal(ok, true)
    t.ok((result?.acknowledged ?? 0) >= 600, 'every message was acknowledged')
    t.ok((result?.restarts ?? 0) >= 2, 'instances were restarted')
    t.ok((result?.redisRestarts ?? 0) >= 2, 'Redis was restarted')
    t.ok((result?.retries ?? 0) > 0, 'publishers had to try again')
    t.equal(Object.keys(result?.faults ?? {}).length, 23, 'every kind of fault happened')
  })

  t.test('go on where they were when Redis comes back with its data', async (t) => {
    const { code, output } = await runFaults(t, ['--redis', '--messages', '300', '--faults', '8', '--seconds', '4', '--only', KEEPING])
    t.equal(code, 0, output)
    const { seeds: [result] } = resultOf(output)
    t.match(result, { lost: 0, duplicated: 0, violations: 0, dataLosses: 0, republished: 0 })
    t.equal(result?.gaps['epoch'] ?? 0, 0, 'nobody is told of another log')
    t.ok((result?.redisRestarts ?? 0) >= 1, 'Redis was restarted')
  })

  t.test('meet with the same faults when the seed is the same', async (t) => {
    const plan = async (): Promise<string> => (await runFaults(t, ['--redis', '--plan', '--faults', '60'])).output
    const first = await plan()
    t.match(first, /"kind":"redis-lost"/)
    t.equal(await plan(), first)
  })
})
