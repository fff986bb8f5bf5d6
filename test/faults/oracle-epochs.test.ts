import t from 'tap'
import { Oracle } from '../../faults/oracle.mjs'
import { CHANNEL, judge, kindsOf, play } from './judge.js'

t.test('the oracle of the fault harness, where the epoch changes,', async (t) => {
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

  t.test('takes a way back for one where nothing was handed over of the epoch between', async (t) => {
    const there = ['a:1', 'a:2', 'gap epoch b:1', 'gap epoch a:1', 'a:2', 'a:3']
    const { oracle } = play(there, (subscriber) => { subscriber.isForgetful = true }, 1)
    t.match(oracle.conclude(), { duplicated: 0, returns: 1 }, 'announced by its positions')
    t.strictSame(kindsOf(oracle), [])
    const stayed = play(['a:1', 'a:2', 'gap epoch a:1', 'a:2'], (subscriber) => { subscriber.isForgetful = true }, 1)
    t.strictSame(kindsOf(stayed.oracle), ['duplicate'], 'an epoch that was not left has no message twice')
    const keeper = play(there, () => {}, 1)
    t.match(kindsOf(keeper.oracle), ['duplicate'], 'who keeps what it had has no message twice')
  })

  t.test('knows a marker under each of its ids', async (t) => {
    const oracle = new Oracle()
    const [first, second, third] = [oracle.subscribe('s1', CHANNEL), oracle.subscribe('s2', CHANNEL), oracle.subscribe('s3', CHANNEL)]
    oracle.acknowledge(CHANNEL, 'a:2', 'marker')
    oracle.mark(CHANNEL, 'a:2')
    for (const [subscriber, id, key] of [[first, 'a:1', 'p/1'], [first, 'a:2', 'marker'], [second, 'a:1', 'p/1'], [second, 'b:2', 'marker'], [third, 'a:1', 'p/1']] as const) oracle.deliver(subscriber, id, key)
    t.strictSame([first, second, third].map((subscriber) => oracle.isComplete(subscriber)), [true, true, false])
  })
})
