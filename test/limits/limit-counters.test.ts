import t from 'tap'
import { LimitCounters, LIMITS } from '../../src/limits/limit-counters.js'

t.test('limit counters', async (t) => {
  t.test('begin at 0 and count each limit by itself', async (t) => {
    const counters = new LimitCounters()
    for (const name of LIMITS) t.equal(counters.get(name), 0)
    counters.hit('maxChannels')
    counters.hit('maxChannels')
    t.strictSame(LIMITS.filter((name) => counters.get(name) > 0), ['maxChannels'])
    t.equal(counters.get('maxChannels'), 2)
  })
})
