import t from 'tap'
import { Marks } from '../../../../src/brokers/redis/failover/marks.js'

const at = (offset: number) => ({ epoch: 'e', offset })

t.test('Marks', async (t) => {
  t.test('know the last position of each channel', async (t) => {
    const marks = new Marks()
    marks.set('a', at(1))
    marks.set('b', at(1))
    marks.set('a', at(2))
    t.strictSame([...marks], [['b', at(1)], ['a', at(2)]])
    t.strictSame([marks.get('a'), marks.get('c'), marks.size, marks.overflowed], [at(2), undefined, 2, false])
  })

  t.test('are those of the channels that were marked last, and tell that there were others', async (t) => {
    const marks = new Marks(2)
    for (const channel of ['a', 'b', 'a', 'b']) marks.set(channel, at(1))
    t.equal(marks.overflowed, false)
    marks.set('a', at(2))
    marks.set('c', at(1))
    t.strictSame([[...marks], marks.overflowed], [[['a', at(2)], ['c', at(1)]], true])
    marks.clear()
    t.strictSame([marks.size, marks.overflowed], [0, false])
  })

  t.test('keep a hundred thousand channels', async (t) => {
    const marks = new Marks()
    for (let number = 0; number < 100_000; number++) marks.set(String(number), at(1))
    t.strictSame([marks.size, marks.overflowed], [100_000, false])
    marks.set('another', at(1))
    t.equal(marks.overflowed, true)
  })
})
