import t from 'tap'
import { Counts } from '../../src/metrics/counts.js'
import { Histogram } from '../../src/metrics/histogram.js'

t.test('Histogram', async (t) => {
  t.test('counts each value in all buckets from its own on, those beyond the last in the one without a bound', async (t) => {
    const histogram = new Histogram([1, 2])
    for (const value of [0, 1, 1.5, 2, 3]) histogram.observe(value)
    t.strictSame(histogram.cumulative(), [2, 4, 5])
    t.strictSame([histogram.count, histogram.sum], [5, 7.5])
  })

  t.test('counts a value as often as it is told', async (t) => {
    const histogram = new Histogram([1, 2])
    histogram.observe(1.5, 3)
    histogram.observe(1.5, 0)
    t.strictSame([histogram.cumulative(), histogram.count, histogram.sum], [[0, 3, 3], 3, 4.5])
  })
})

t.test('Counts', async (t) => {
  t.test('has its labels from the beginning, and others when they are counted', async (t) => {
    const counts = new Counts<string>(['a'])
    counts.add('b', 2)
    counts.add('b', -1)
    t.strictSame([...counts.entries()], [['a', 0], ['b', 1]])
    t.equal(counts.get('c'), 0)
  })
})
