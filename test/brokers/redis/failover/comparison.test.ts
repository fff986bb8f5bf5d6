import t from 'tap'
import { Comparison } from '../../../../src/brokers/redis/failover/comparison.js'
import { Marks } from '../../../../src/brokers/redis/failover/marks.js'
import type { Position } from '../../../../src/wire/id.js'
import { turn } from '../../../eventually.js'

const at = (offset: number): Position => ({ epoch: 'e', offset })

for (const order of [['the older', 'the newer'], ['the newer', 'the older']]) {
  t.test(`Of two positions of a log that could not be compared the newer one is compared later, where ${order.join(' fails before ')}`, async (t) => {
    const marks = new Marks()
    const asked: { offset: number, fail: () => void }[] = []
    const comparison = new Comparison(marks, (_channel, { offset }) => new Promise((_resolve, reject) => {
      asked.push({ offset, fail: () => { reject(new Error('not connected')) } })
    }))
    marks.set('a', at(5))
    comparison.owe('a', at(3))

    const comparing = comparison.compareAll('')
    await turn()
    t.strictSame(asked.map(({ offset }) => offset), [3, 5])
    const [older, newer] = asked.splice(0)
    for (const which of order) {
      (which === 'the older' ? older : newer)?.fail()
      await turn()
    }
    await comparing

    void comparison.settle('')
    await turn()
    t.strictSame(asked.map(({ offset }) => offset), [5])
  })
}
