import t from 'tap'
import { type History, type Numbers, Oracle } from '../../faults/oracle.mjs'

const CHANNEL = 'room'

/**
 * Plays a history of one subscriber: ids that it was handed, gaps that it was told of, as `gap <reason> <position>?`, and positions
 * that a stream began with, as `at <position>`. Of each epoch in `logs` so many messages were acknowledged; unless told otherwise,
 * the data was lost between each two.
 */
function judge (history: string[], logs: Record<string, number>, dataLosses = Object.keys(logs).length - 1): { kinds: string[], numbers: Numbers } {
  const oracle = new Oracle(() => 0)
  const subscriber = oracle.subscribe('s1', CHANNEL)
  for (const [epoch, count] of Object.entries(logs)) {
    for (let offset = 1; offset <= count; offset++) oracle.acknowledge(CHANNEL, `${epoch}:${offset}`, contentOf(`${epoch}:${offset}`))
  }
  for (let loss = 0; loss < dataLosses; loss++) oracle.loseData()
  for (const step of history) {
    const [word = '', ...rest] = step.split(' ')
    if (word === 'gap') subscriber.gap(rest[0] ?? '', rest[1])
    else if (word === 'at') subscriber.position(rest[0] ?? '')
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

  t.test('finds that somebody was told of another log where the data was kept and every instance was there', async (t) => {
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

  t.test('takes a position that was carried over to another epoch, where offsets go on', async (t) => {
    // Both epochs have the same messages up to where the first one ended.
    const { oracle } = play(['a:1', 'a:2', 'b:3', 'b:4'])
    t.match(oracle.conclude(), { lost: 0, carried: 1, gaps: {} })
    t.strictSame(kindsOf(oracle), [])
  })

  t.test('takes one that was carried over several times, also while there was nothing to hand over', async (t) => {
    for (const history of [['a:1', 'a:2', 'at b:2', 'at c:2', 'c:3'], ['at a:0', 'at b:0', 'b:1'], ['a:1', 'a:2', 'at b:2', 'b:3', 'at c:3', 'c:4']]) {
      const { oracle } = play(history, (subscriber) => { subscriber.isTold = true })
      t.match(oracle.conclude(), { lost: 0, gaps: {} }, history.join(' '))
      t.strictSame(kindsOf(oracle), [], history.join(' '))
    }
  })

  t.test('finds a change of the epoch of which a stream said nothing', async (t) => {
    const { oracle } = play(['at a:0', 'a:1', 'b:2', 'b:3'], (subscriber) => { subscriber.isTold = true })
    t.strictSame(kindsOf(oracle), ['unannounced'])
  })

  t.test('finds offsets that do not go on in another epoch', async (t) => {
    t.strictSame(kindsOf(play(['a:1', 'a:2', 'b:4']).oracle), ['hole'])
    t.strictSame(kindsOf(play(['a:1', 'a:2', 'b:2']).oracle), ['hole'])
    t.strictSame(kindsOf(play(['a:1', 'a:2', 'at b:3']).oracle), ['hole'])
    t.strictSame(kindsOf(play(['a:1', 'a:2', 'at b:1']).oracle), ['order'])
    t.strictSame(kindsOf(play(['at a:0', 'at a:2']).oracle), ['hole'], 'before the first message')
    t.strictSame(kindsOf(play(['a:1', 'at b:1', 'b:3']).oracle), ['hole'], 'behind the announcement')
    t.strictSame(kindsOf(play(['a:1', 'gap epoch b:4', 'b:6']).oracle), ['hole'], 'behind a gap that said where it ends')
  })

  t.test('finds two messages at one place of a log that was carried over', async (t) => {
    const oracle = new Oracle()
    const [first, second] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL)]
    for (const [id, key] of [['a:1', 'p/1'], ['a:2', 'p/2'], ['b:3', 'p/3']] as const) oracle.deliver(first, id, key)
    for (const [id, key] of [['a:1', 'p/1'], ['b:2', 'p/9']] as const) oracle.deliver(second, id, key)
    oracle.conclude()
    t.strictSame(kindsOf(oracle), ['mixed up'])
  })

  t.test('finds a message that was published again although it was carried over', async (t) => {
    const oracle = new Oracle()
    const [first, second] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL)]
    for (const [id, key] of [['a:1', 'p/1'], ['a:2', 'p/2'], ['b:3', 'p/3']] as const) oracle.deliver(first, id, key)
    for (const [id, key] of [['a:1', 'p/1'], ['b:2', 'p/2'], ['b:3', 'p/3'], ['b:4', 'p/1']] as const) oracle.deliver(second, id, key)
    oracle.conclude()
    t.ok(kindsOf(oracle).includes('repeated'))
    t.ok(kindsOf(oracle).includes('duplicate'))
  })

  t.test('finds a message that one subscriber was handed in two epochs', async (t) => {
    const handOver = (steps: readonly (readonly [string, string])[], gapBefore?: string): Oracle => {
      const oracle = new Oracle()
      oracle.loseData()
      const [subscriber, other] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL)]
      for (const [id, key] of steps) {
        if (id === gapBefore) subscriber.gap('epoch')
        oracle.deliver(subscriber, id, key)
      }
      // Shows that b has all of a up to a:1.
      oracle.deliver(other, 'a:1', 'p/1')
      oracle.deliver(other, 'b:2', 'p/2')
      oracle.conclude()
      return oracle
    }
    t.ok(kindsOf(handOver([['a:1', 'p/1'], ['a:2', 'p/3'], ['b:3', 'p/3']])).includes('duplicate'), 'without a gap')
    t.strictSame(kindsOf(handOver([['a:1', 'p/1'], ['a:2', 'p/3'], ['b:2', 'p/2'], ['b:3', 'p/3']], 'b:2')), [], 'what was lost and published again behind a gap')
    t.strictSame(kindsOf(handOver([['a:1', 'p/1'], ['a:2', 'p/3'], ['b:1', 'p/1'], ['b:2', 'p/2']], 'b:1')), ['duplicate'], 'what was carried over')
  })

  t.test('takes a message that was acknowledged in one epoch and handed over in the next', async (t) => {
    const oracle = new Oracle()
    const [early, late] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL)]
    for (const [id, key] of [['a:1', 'p/1'], ['a:2', 'p/2'], ['b:3', 'p/3']] as const) {
      oracle.acknowledge(CHANNEL, id, key)
      oracle.deliver(early, id, key)
    }
    for (const [id, key] of [['a:1', 'p/1'], ['b:2', 'p/2'], ['b:3', 'p/3']] as const) oracle.deliver(late, id, key)
    t.match(oracle.conclude(), { acknowledged: 3, lost: 0, republished: 0, carried: 2 })
    t.strictSame(kindsOf(oracle), [])
  })

  t.test('finds what was acknowledged in an epoch behind the place where a subscriber was carried over', async (t) => {
    t.match(judge(['a:1', 'a:2', 'b:3', 'b:4'], { a: 3, b: 0 }), { kinds: ['lost'], numbers: { lost: 1 } })
    t.match(judge(['a:1', 'a:2', 'b:3', 'b:4', 'gap expired', 'b:7'], { a: 3, b: 0 }), { kinds: ['lost'], numbers: { lost: 1 } }, 'of which a gap elsewhere says nothing')
    t.match(judge(['a:1', 'a:2', 'b:3', 'b:4', 'gap epoch', 'c:5'], { a: 3, b: 0, c: 0 }), { kinds: [], numbers: { lost: 0, missedWithGap: 1 } }, 'which a second gap says when it becomes known')
    t.match(judge(['a:1', 'a:2', 'b:3', 'b:4', 'gap epoch'], { a: 3, b: 0 }), { kinds: [], numbers: { lost: 0 } }, 'also when nothing follows')
    t.match(judge(['a:1', 'a:2', 'gap epoch', 'b:3'], { a: 5, b: 0 }), { kinds: [], numbers: { missedWithGap: 3 } }, 'for which the gap at the change stands')
  })

  t.test('takes what expired while a position was carried over', async (t) => {
    t.match(judge(['a:1', 'at b:1', 'gap expired', 'b:4', 'b:5'], { a: 3, b: 0 }), { kinds: [], numbers: { lost: 0, missedWithGap: 2 } })
    t.match(judge(['a:1', 'b:2', 'gap expired', 'b:5'], { a: 3, b: 0 }), { numbers: { lost: 1, missedWithGap: 1 } }, 'and not where something else stood')
  })

  t.test('lets a subscriber come back to a log behind a gap, as between two masters, and hands nothing over twice', async (t) => {
    t.match(judge(['a:1', 'gap epoch', 'b:2', 'gap epoch', 'a:2'], { a: 2, b: 2 }), { kinds: [], numbers: { returns: 1 } })
    const again = ['a:1', 'a:2', 'gap epoch', 'b:2', 'gap epoch', 'a:2', 'a:3']
    t.ok(judge(again, { a: 3, b: 2 }).kinds.includes('duplicate'))
    const { oracle } = play(again, (subscriber) => { subscriber.isForgetful = true }, 1)
    t.match(oracle.conclude(), { duplicated: 0, returns: 1 }, 'a reader with one cursor has it again')
    t.strictSame(kindsOf(oracle), [])
  })

  t.test('knows a marker under each of its ids', async (t) => {
    const oracle = new Oracle()
    const [first, second, third] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL), oracle.subscribe('s3', CHANNEL)]
    oracle.acknowledge(CHANNEL, 'a:2', 'marker')
    oracle.mark(CHANNEL, 'a:2')
    for (const [subscriber, id, key] of [[first, 'a:1', 'p/1'], [first, 'a:2', 'marker'], [second, 'a:1', 'p/1'], [second, 'b:2', 'marker'], [third, 'a:1', 'p/1']] as const) oracle.deliver(subscriber, id, key)
    t.strictSame([first, second, third].map((subscriber) => oracle.isComplete(subscriber)), [true, true, false])
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

/** Plays a history in which the message at an offset is the same in every epoch. */
function play (history: string[], prepare: (subscriber: History) => void = () => {}, dataLosses = 0): { oracle: Oracle, subscriber: History } {
  const oracle = new Oracle(() => 0)
  for (let loss = 0; loss < dataLosses; loss++) oracle.loseData()
  const subscriber = oracle.subscribe('s1', CHANNEL)
  prepare(subscriber)
  for (const step of history) {
    const [word = '', first = '', second] = step.split(' ')
    if (word === 'gap') subscriber.gap(first, second)
    else if (word === 'at') subscriber.position(first)
    else oracle.deliver(subscriber, step, `content of ${step.slice(2)}`)
  }
  return { oracle, subscriber }
}

function kindsOf ({ violations }: Oracle): string[] {
  return violations.map(({ kind }) => kind)
}
