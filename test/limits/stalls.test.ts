import t from 'tap'
import { ByteBudget } from '../../src/limits/byte-budget.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { Stalls } from '../../src/limits/stalls.js'
import { FakeSubscriber } from '../channels/fake-subscriber.js'

class FakeFlow {
  unsentBytes = 0
  sentBytes = 0
  ended = 0
  terminate (): void { this.ended++ }
}

function create (max = 1_000): { counters: LimitCounters, budget: ByteBudget, stalls: Stalls } {
  const counters = new LimitCounters()
  const budget = new ByteBudget(max, counters)
  return { counters, budget, stalls: new Stalls({ writeTimeoutMs: 5_000, budget, counters }) }
}

t.test('stalls', async (t) => {
  t.test('are counted while nothing is sent, and no longer', async (t) => {
    const { budget, stalls } = create()
    const flow = new FakeFlow()
    stalls.add(flow, 'a')
    flow.unsentBytes = 100
    stalls.sweep(0)
    t.equal(budget.bytes, 0, 'on its way')
    stalls.sweep(1_000)
    t.equal(budget.bytes, 100)
    flow.sentBytes = 1
    stalls.sweep(2_000)
    t.equal(budget.bytes, 0)
    stalls.sweep(3_000)
    t.equal(budget.bytes, 100)
    flow.unsentBytes = 0
    stalls.sweep(4_000)
    t.equal(budget.bytes, 0)
    flow.unsentBytes = 100
    stalls.sweep(5_000)
    stalls.sweep(6_000)
    stalls.delete(flow)
    t.match([budget.bytes, stalls.size, flow.ended], [0, 0, 0])
  })

  t.test('end a flow whose time is over, and one that holds more than all may', async (t) => {
    const { counters, stalls } = create(50)
    const [slow, large] = [new FakeFlow(), new FakeFlow()]
    slow.unsentBytes = 1
    stalls.add(slow, 'a')
    for (const now of [0, 1_000, 4_999]) stalls.sweep(now)
    t.equal(slow.ended, 0)
    stalls.sweep(5_000)
    t.match([slow.ended, counters.get('writeTimeoutMs')], [1, 1])
    large.unsentBytes = 100
    stalls.add(large, 'b')
    stalls.sweep(6_000)
    stalls.sweep(7_000)
    t.match([large.ended, counters.get('maxBytesInFlight')], [1, 1])
    stalls.close()
    t.equal(stalls.size, 0)
  })

  t.test('do not end a flow whose sent bytes are unknown, and do not count the bytes of a lease twice', async (t) => {
    const { budget, stalls } = create()
    const [unknown, answer] = [new FakeFlow(), new FakeFlow()]
    unknown.sentBytes = NaN
    unknown.unsentBytes = answer.unsentBytes = 100
    stalls.add(unknown, 'a')
    const lease = budget.open('b', () => { t.fail('nothing has to go') })
    lease.resize(300)
    stalls.add(answer, 'b', lease)
    for (const now of [0, 1_000, 2_000]) stalls.sweep(now)
    t.equal(budget.bytes, 300)
    answer.unsentBytes = 0
    stalls.sweep(3_000)
    t.equal(budget.bytes, 300)
    answer.unsentBytes = 100
    answer.sentBytes = 1
    stalls.sweep(4_000)
    stalls.sweep(performance.now() + 10_000)
    t.match([unknown.ended, answer.ended], [0, 1])
    stalls.close()
    t.equal(budget.bytes, 0)
  })

  t.test('leave alone a subscriber whose transport does not count what it sends', async (t) => {
    const { stalls } = create()
    const subscriber = new FakeSubscriber()
    subscriber.unsentBytes = 100
    stalls.add(subscriber, 'a')
    for (const now of [0, 10_000, 20_000]) stalls.sweep(now)
    t.notOk(subscriber.terminated)
    stalls.close()
  })
})
