import t from 'tap'
import { Oracle } from '../../faults/oracle.mjs'
import { CHANNEL, judge, kindsOf, play } from './judge.js'

t.test('the oracle of the fault harness', async (t) => {
  t.test('has nothing to say about every message once and in order', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:2', 'a:3'], { a: 3 })
    t.strictSame(kinds, [])
    t.match(numbers, { acknowledged: 3, deliveries: 3, lost: 0, duplicated: 0, missedWithGap: 0 })
  })

  t.test('accepts messages without an acknowledgement, for their answer may have been lost', async (t) => {
    t.strictSame(judge(['a:1', 'a:2', 'a:3', 'a:4'], { a: 3 }).kinds, [], 'behind the marker')
    const oracle = new Oracle()
    const subscriber = oracle.subscribe('s1', CHANNEL)
    oracle.deliver(subscriber, 'a:1', 'p/1')
    oracle.deliver(subscriber, 'a:2', 'p/2')
    oracle.acknowledge(CHANNEL, 'a:2', 'p/2')
    t.match(oracle.conclude(), { acknowledged: 1, deliveries: 2, lost: 0 })
    t.strictSame(oracle.violations, [])
  })

  t.test('finds a hole, and that what stood there was lost', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:2', 'a:4', 'a:5'], { a: 5 })
    t.strictSame(kinds, ['hole', 'lost'])
    t.equal(numbers.lost, 1)
  })

  t.test('finds a hole before the first message', async (t) => {
    const { kinds, numbers } = judge(['a:3', 'a:4'], { a: 4 })
    t.strictSame(kinds, ['hole', 'lost'])
    t.equal(numbers.lost, 2)
  })

  t.test('finds what is missing at the end', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:2'], { a: 4 })
    t.strictSame(kinds, ['stuck', 'lost'])
    t.equal(numbers.lost, 2)
  })

  t.test('finds a subscriber that got nothing at all', async (t) => {
    const { kinds, numbers } = judge([], { a: 2, b: 2 })
    t.strictSame(kinds, ['stuck', 'lost'])
    t.equal(numbers.lost, 4)
  })

  t.test('takes a hole that was announced before it', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'gap expired', 'a:4', 'a:5'], { a: 5 })
    t.strictSame(kinds, [])
    t.match(numbers, { lost: 0, missedWithGap: 2, needlessGaps: 0, gaps: { expired: 1 } })
  })

  t.test('does not let one announcement cover two holes', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'gap expired', 'a:4', 'a:6'], { a: 6 })
    t.strictSame(kinds, ['hole', 'lost'])
    t.match(numbers, { lost: 1, missedWithGap: 2 })
  })

  t.test('does not take an announcement that comes behind the hole', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:4', 'gap expired', 'a:5'], { a: 5 })
    t.strictSame(kinds, ['hole', 'lost'])
    t.match(numbers, { lost: 2, needlessGaps: 1 })
  })

  t.test('counts a hole that only the client noticed as one of the server', async (t) => {
    t.strictSame(judge(['a:1', 'gap missed', 'a:3'], { a: 3 }).kinds, ['hole'])
  })

  t.test('takes another log behind a gap, and what was lost with the old one or is not kept of the new one', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:2', 'gap epoch', 'b:3', 'b:4'], { a: 5, b: 4 })
    t.strictSame(kinds, [])
    t.match(numbers, { lost: 0, missedWithGap: 5 })
  })

  t.test('takes a log that came and went while the subscriber was away', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'gap epoch', 'c:1'], { a: 1, b: 7, c: 1 })
    t.strictSame(kinds, [])
    t.match(numbers, { lost: 0, missedWithGap: 7 })
  })

  t.test('finds another log that was not announced, even when it begins at 1', async (t) => {
    t.strictSame(judge(['a:1', 'a:2', 'b:1'], { a: 2, b: 1 }).kinds, ['hole'])
    t.strictSame(judge(['a:1', 'b:1'], { a: 2, b: 1 }).kinds, ['hole', 'lost'])
  })

  t.test('does not let a gap within one log cover the change to another', async (t) => {
    t.strictSame(judge(['a:1', 'gap expired', 'a:3', 'b:1'], { a: 4, x: 2, b: 1 }).kinds, ['hole', 'lost'])
  })

  t.test('finds a message that was handed over twice, at once, later and behind a gap', async (t) => {
    for (const history of [['a:1', 'a:1', 'a:2'], ['a:1', 'a:2', 'a:1'], ['a:1', 'gap expired', 'a:1', 'a:2']]) {
      const { kinds, numbers } = judge(history, { a: 2 })
      t.strictSame(kinds, ['duplicate'], history.join(' '))
      t.equal(numbers.duplicated, 1)
    }
  })

  t.test('finds messages that came in another order', async (t) => {
    t.strictSame(judge(['a:1', 'a:3', 'a:2', 'a:4'], { a: 4 }).kinds, ['hole', 'order', 'lost'])
    t.strictSame(judge(['a:1', 'gap epoch', 'b:1', 'a:2', 'b:2'], { a: 2, b: 2 }).kinds, ['order'], 'of a log that is gone')
  })

  t.test('finds a message whose content is damaged, or another than that of the publisher or of another subscriber', async (t) => {
    const oracle = new Oracle()
    const [first, second] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL)]
    oracle.acknowledge(CHANNEL, 'a:1', 'p/1')
    oracle.deliver(first, 'a:1', 'p/2')
    oracle.deliver(first, 'a:2', 'p/3')
    oracle.deliver(second, 'a:1', undefined)
    oracle.deliver(second, 'a:2', 'p/4')
    t.strictSame(oracle.violations.map(({ kind }) => kind), ['mixed up', 'damaged', 'mixed up'])
  })

  t.test('finds one message under two ids of one log, and takes it under ids of two logs', async (t) => {
    const oracle = new Oracle()
    oracle.acknowledge(CHANNEL, 'a:1', 'p/1')
    oracle.loseData()
    oracle.acknowledge(CHANNEL, 'b:1', 'p/1')
    t.strictSame(oracle.violations, [])
    oracle.acknowledge(CHANNEL, 'b:2', 'p/1')
    t.strictSame(oracle.violations.map(({ kind }) => kind), ['repeated'])
    t.match(oracle.conclude(), { acknowledged: 3, republished: 1 })
  })

  t.test('finds the announcement of another log where the data was kept and every instance was there', async (t) => {
    t.match(judge(['a:1', 'gap epoch', 'b:1'], { a: 1, b: 1 }, 0), { kinds: ['false gap'], numbers: { lost: 0, dataLosses: 0 } })
    t.strictSame(judge(['a:1', 'gap epoch', 'b:1'], { a: 1, b: 1 }, 1).kinds, [])
    t.strictSame(judge(['a:1', 'gap expired', 'a:3'], { a: 3 }).kinds, [])
    const oracle = new Oracle()
    const subscriber = oracle.subscribe('s1', CHANNEL)
    oracle.deliver(subscriber, 'a:1', 'p/1')
    oracle.excuseGaps()
    subscriber.gap('epoch')
    oracle.conclude()
    t.strictSame(oracle.violations, [], 'an instance was missing')
  })

  t.test('takes a message that is repeated through another instance under one id, and not under two', async (t) => {
    const oracle = new Oracle()
    const subscribers = [oracle.subscribe('of one', CHANNEL), oracle.subscribe('of the other', CHANNEL)]
    oracle.acknowledge(CHANNEL, 'a:1', 'p/1')
    oracle.acknowledge(CHANNEL, 'a:1', 'p/1')
    for (const subscriber of subscribers) oracle.deliver(subscriber, 'a:1', 'p/1')
    t.strictSame(oracle.violations, [])
    for (const subscriber of subscribers) oracle.deliver(subscriber, 'a:2', 'p/1')
    t.strictSame(oracle.violations.map(({ kind }) => kind), ['repeated'])
    t.match(oracle.conclude(), { acknowledged: 1 })
  })

  t.test('finds an id that is none', async (t) => {
    const oracle = new Oracle()
    oracle.acknowledge(CHANNEL, 'a', 'p/1')
    oracle.deliver(oracle.subscribe('s1', CHANNEL), '17', 'p/1')
    t.strictSame(oracle.violations.map(({ kind }) => kind), ['malformed', 'malformed'])
  })

  t.test('says which subscriber it was and what it saw before', async (t) => {
    const oracle = new Oracle(() => 1_500)
    const subscriber = oracle.subscribe('s1', CHANNEL)
    oracle.deliver(subscriber, 'a:1', 'p/1')
    subscriber.note('closed 1006')
    oracle.deliver(subscriber, 'a:3', 'p/3')
    t.match(oracle.violations, [{ kind: 'hole', subscriber: 's1', channel: CHANNEL, text: /a:3 after a:1/, excerpt: ['1.500 s  a:1 … 1  (until 1.500 s)', '1.500 s  closed 1006'] }])
  })

  t.test('counts apart what vanished with all that knew of it', async (t) => {
    const oracle = new Oracle()
    const subscriber = oracle.subscribe('s1', CHANNEL)
    oracle.deliver(subscriber, 'a:1', 'p/1')
    oracle.acknowledge(CHANNEL, 'a:2', 'p/2', { vanished: true })
    oracle.acknowledge(CHANNEL, 'a:3', 'p/3', { vanished: false })
    t.match(oracle.conclude(), { lost: 1, vanished: 1 })
    t.strictSame(kindsOf(oracle), ['lost'])
  })

  t.test('does not wait for a reader that left and cannot ask for what it missed', async (t) => {
    const stand = (mayLeave: boolean): string[] => {
      const { oracle, subscriber } = play(['a:1'], (subscriber) => { subscriber.mayLeave = mayLeave })
      oracle.acknowledge(CHANNEL, 'a:2', 'p/2')
      oracle.mark(CHANNEL, 'a:2')
      subscriber.gap('left')
      oracle.conclude()
      return kindsOf(oracle)
    }
    t.strictSame(stand(true), [])
    t.strictSame(stand(false), ['stuck'])
  })
})
