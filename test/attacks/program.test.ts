import t from 'tap'
import { attack, faultsOf } from '../../faults/attack/attack.mjs'

t.setTimeout(240_000)

t.test('the service under everything that is fired at it', async (t) => {
  t.test('lives, keeps its memory within bounds, gives all back and serves honest clients', async (t) => {
    // So short that nothing is said of how long somebody waits: the machine has other tests to run.
    const seen = await attack({ seconds: 5, heapMb: 512, lanes: 4, subscribers: 20, restSeconds: 3, warmUpSeconds: 1 })
    t.strictSame(faultsOf(seen, { maxRssMb: 700, maxP99Ms: Infinity, growth: Infinity }), [])
    t.ok(Object.values(seen.rounds ?? {}).reduce((sum, count) => sum + count, 0) >= 4)
  })
})
