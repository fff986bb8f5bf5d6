import t from 'tap'
import { RateLimit } from '../../src/limits/rate-limit.js'

class Bench {
  now = 1_000
  readonly limit: RateLimit

  constructor (capacity: number, windowMs: number) {
    this.limit = new RateLimit(capacity, windowMs, () => this.now)
  }
}

t.test('a rate limit', async (t) => {
  t.test('lets a key take what it may at once, and no more', async (t) => {
    const { limit } = new Bench(3, 1_000)
    t.strictSame([1, 2, 3, 4].map(() => limit.take('a')), [0, 0, 0, 1])
    t.equal(limit.take('b'), 0, 'another key has its own')
  })

  t.test('fills up evenly', async (t) => {
    const bench = new Bench(10, 1_000)
    for (let count = 0; count < 10; count++) bench.limit.take('a')
    bench.now += 99
    t.equal(bench.limit.take('a'), 1)
    bench.now += 1
    t.strictSame([bench.limit.take('a'), bench.limit.take('a')], [0, 1])
    bench.now += 1_000_000
    t.strictSame(Array.from({ length: 11 }, () => bench.limit.take('a')), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 'to the brim and not beyond')
  })

  t.test('counts by weight, and says how many whole seconds to wait', async (t) => {
    const bench = new Bench(10, 1_000)
    t.equal(bench.limit.take('a', 60), 0, 'what is begun within the limit is taken whole')
    t.equal(bench.limit.take('a'), 6)
    t.equal(bench.limit.wait('a'), 6)
    bench.now += 5_000
    t.equal(bench.limit.take('a'), 1)
    bench.now += 100
    t.equal(bench.limit.take('a'), 0)
  })

  t.test('says how long to wait without taking anything', async (t) => {
    const { limit } = new Bench(1, 60_000)
    t.equal(limit.wait('a'), 0)
    t.equal(limit.size, 0, 'nor remembering who asked')
    limit.take('a')
    t.strictSame([limit.wait('a'), limit.wait('a')], [60, 60])
  })

  t.test('forgets keys that are at rest before it remembers more', async (t) => {
    const bench = new Bench(2, 1_000)
    for (let key = 0; key < 10_000; key++) bench.limit.take(`at rest ${key}`)
    t.equal(bench.limit.size, 10_000)
    bench.now += 499
    bench.limit.take('busy', 100)
    t.equal(bench.limit.size, 10_001, 'none is at rest yet')
    bench.now += 501
    for (let key = 0; key < 10_000; key++) bench.limit.take(`new ${key}`)
    t.equal(bench.limit.size, 10_001)
    t.ok(bench.limit.wait('busy') > 0, 'who is limited is not forgotten')
  })

  t.test('has a clock of its own', async (t) => {
    t.equal(new RateLimit(1, 1_000).take('a'), 0)
  })
})
