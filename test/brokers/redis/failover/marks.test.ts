import t from 'tap'
import { Marks } from '../../../../src/brokers/redis/failover/marks.js'

t.test('Marks', async (t) => {
  t.test('knows the last position of each channel', async (t) => {
    const marks = new Marks()
    marks.set('a', { epoch: 'e', offset: 1 })
    marks.set('b', { epoch: 'e', offset: 1 })
    marks.set('a', { epoch: 'e', offset: 2 })
    t.strictSame([...marks], [['a', { epoch: 'e', offset: 2 }], ['b', { epoch: 'e', offset: 1 }]])
  })

  t.test('forgets the channels that were used longest ago, and is bounded', async (t) => {
    const marks = new Marks()
    for (let number = 1; number <= 35_000; number++) {
      marks.set(`c${number}`, { epoch: 'e', offset: 1 })
      if (number % 5_000 === 0) marks.set('often', { epoch: 'e', offset: number })
    }
    const known = new Map(marks)
    t.ok(known.size <= 20_000)
    t.ok(known.size >= 10_000)
    t.strictSame(known.get('often'), { epoch: 'e', offset: 35_000 })
    t.ok(known.has('c34999'))
    t.notOk(known.has('c1'))
    t.equal([...marks].filter(([channel]) => channel === 'often').length, 1)
  })
})
