import t from 'tap'
import { type Numbers, Oracle } from '../../faults/oracle.mjs'

const CHANNEL = 'room'

/**
 * Plays a history of one subscriber: ids that it was handed, and gaps that it was told of, as `gap <reason>`.
 * Of each epoch in `logs` so many messages were acknowledged; unless told otherwise, the data was lost between each two.
 */
function judge (history: string[], logs: Record<string, number>, dataLosses = Object.keys(logs).length - 1): { kinds: string[], numbers: Numbers } {
  const oracle = new Oracle(() => 0)
  const subscriber = oracle.subscribe('s1', CHANNEL)
  for (const [epoch, count] of Object.entries(logs)) {
    for (let offset = 1; offset <= count; offset++) oracle.acknowledge(CHANNEL, `${epoch}:${offset}`, contentOf(`${epoch}:${offset}`))
  }
  for (let loss = 0; loss < dataLosses; loss++) oracle.loseData()
  for (const step of history) {
    if (step.startsWith('gap ')) subscriber.gap(step.slice(4))
    else oracle.deliver(subscriber, step, contentOf(step))
  }
  const [epoch, count] = Object.entries(logs).at(-1) ?? ['', 0]
  oracle.mark(CHANNEL, `${epoch}:${count}`)
  const numbers = oracle.conclude()
  return { kinds: oracle.violations.map(({ kind }) => kind), numbers }
}

function contentOf (id: string): string {
  return `content of ${id}`
}

t.test('the oracle of the fault harness', async (t) => {
  t.test('has nothing to say about every message once and in order', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'a:2', 'a:3'], { a: 3 })
    t.strictSame(kinds, [])
    t.match(numbers, { acknowledged: 3, deliveries: 3, lost: 0, duplicated: 0, missedWithGap: 0 })
  })

  t.test('takes messages that nobody acknowledged, for their answer may have been lost', async (t) => {
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

  t.test('finds another log where the data was kept, and what is published again in it', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'gap epoch', 'b:1'], { a: 1, b: 1 }, 0)
    t.strictSame(kinds, ['false gap', 'other log'])
    t.match(numbers, { lost: 0, dataLosses: 0, needlessLogs: 1 })
    const oracle = new Oracle()
    const subscriber = oracle.subscribe('s1', CHANNEL)
    for (const id of ['a:1', 'b:1']) {
      oracle.acknowledge(CHANNEL, id, 'p/1')
      oracle.deliver(subscriber, id, 'p/1')
    }
    t.match(oracle.conclude(), { lost: 0, republished: 1 })
    t.strictSame(oracle.violations.map(({ kind }) => kind), ['hole', 'other log'])
  })

  t.test('takes one log for each loss of the data, and counts those beyond', async (t) => {
    t.match(judge(['a:1', 'gap epoch', 'b:1'], { a: 1, b: 1 }, 1), { kinds: [], numbers: { dataLosses: 1, needlessLogs: 0 } })
    t.match(judge(['a:1', 'gap epoch', 'c:1'], { a: 1, b: 1, c: 1 }, 1), { kinds: [], numbers: { needlessLogs: 1 } })
  })

  t.test('finds that somebody was told of another log where the data was kept', async (t) => {
    const { kinds, numbers } = judge(['a:1', 'gap epoch', 'a:2'], { a: 2 })
    t.strictSame(kinds, ['false gap'])
    t.equal(numbers.falseEpochGaps, 1)
    t.match(judge(['a:1', 'gap expired', 'a:3'], { a: 3 }), { kinds: [], numbers: { falseEpochGaps: 0 } })
    t.match(judge(['a:1', 'gap epoch', 'a:2'], { a: 2 }, 1), { kinds: [], numbers: { falseEpochGaps: 1 } }, 'which is only counted when some was lost')
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
})
