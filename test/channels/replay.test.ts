import t from 'tap'
import type { Receiver, Since } from '../../src/brokers/broker.js'
import { Channel } from '../../src/channels/channel.js'
import { Connection } from '../../src/channels/connection.js'
import { Outbox } from '../../src/channels/outbox.js'
import { refusalOf } from '../../src/channels/refusal.js'
import { replay, type ReplayOutcome } from '../../src/channels/replay.js'
import { REPLAYING } from '../../src/channels/subscriber.js'
import { TokenExpiredError } from '../../src/errors.js'
import { EventStreamCursor } from '../../src/transports/event-stream-cursor.js'
import { turn } from '../eventually.js'
import { FakeSubscriber, range } from './fake-subscriber.js'
import { Traffic } from '../../src/metrics/traffic.js'
import { StubBroker } from './stub-broker.js'

const MESSAGE = '"message"'
const NOBODY: Receiver = { deliver: () => {}, moved: () => {}, count: () => 0, occupied: () => [], announced: () => {} }

/** A channel with one subscriber that is about to read the log. */
class Bench {
  readonly broker = new StubBroker()
  readonly channel = new Channel('room', {
    onSlow () { throw new Error('too slow') },
    onHole () { throw new Error('a hole') }
  }, { maxBufferedBytes: Infinity, traffic: new Traffic() })

  readonly subscriber = new FakeSubscriber()

  constructor (kept = 0) {
    this.channel.subscribers.add(this.subscriber)
    this.broker.receiver = { ...NOBODY, moved: (_channel, position) => { this.channel.move(position) } }
    this.channel.move(this.broker.position)
    for (let index = 0; index < kept; index++) this.broker.append(MESSAGE)
  }

  /** Publishes: the message is in the log and waits for the next flush. */
  publish (count = 1, message = MESSAGE): void {
    for (let index = 0; index < count; index++) this.channel.deliver(this.broker.append(message))
  }

  flush (): void {
    while (this.channel.pending) this.channel.flush(Infinity)
  }

  /** Fills the buffer of the socket until the returned function is called. */
  clog (): () => void {
    const { subscriber } = this
    let drain = (): void => undefined
    subscriber.unsentBytes = 1_000_000
    subscriber.drain = new Promise((resolve) => { drain = resolve })
    return () => {
      subscriber.unsentBytes = 0
      drain()
    }
  }

  async replay (since: Since, announce = false): Promise<ReplayOutcome> {
    return await replay(this.broker, this.channel, this.subscriber, { since, announce })
  }
}

t.test('replay', async (t) => {
  t.test('writes what is kept after a position, and the fan-out goes on from there', async (t) => {
    const bench = new Bench(5)
    t.equal(await bench.replay({ epoch: 'e', offset: 2 }), 'live')
    t.strictSame(bench.subscriber.offsets, [3, 4, 5])
    t.equal(bench.subscriber.writes.length, 1)
    bench.publish()
    bench.flush()
    t.strictSame(bench.subscriber.offsets, [3, 4, 5, 6])
    t.match(bench.subscriber, { epoch: 'e', offset: 6 })
  })

  t.test('begins with all that is kept, or with nothing', async (t) => {
    const earliest = new Bench(3)
    await earliest.replay('earliest')
    t.strictSame(earliest.subscriber.offsets, [1, 2, 3])
    const now = new Bench(3)
    await now.replay('now')
    now.publish()
    now.flush()
    t.strictSame(now.subscriber.offsets, [4])
  })

  t.test('reads a long log page by page and writes it in pieces', async (t) => {
    const bench = new Bench(2_500)
    t.equal(await bench.replay('earliest'), 'live')
    t.strictSame(bench.subscriber.offsets, range(1, 2_500))
    t.strictSame(bench.broker.reads, ['earliest', { epoch: 'e', offset: 1_000 }, { epoch: 'e', offset: 2_000 }])
    t.ok(bench.subscriber.writes.length > 2)
  })

  t.test('reads again when messages were flushed while a read was under way', async (t) => {
    const bench = new Bench(3)
    bench.broker.hold()
    const outcome = bench.replay('earliest')
    bench.publish(2)
    bench.flush()
    t.equal(bench.subscriber.offset, REPLAYING)
    t.strictSame(bench.subscriber.offsets, [])
    bench.broker.release()
    await turn()
    t.strictSame(bench.subscriber.offsets, [1, 2, 3])
    bench.publish()
    bench.flush()
    bench.broker.resume()
    t.equal(await outcome, 'live')
    bench.publish()
    bench.flush()
    t.strictSame(bench.subscriber.offsets, range(1, 7))
  })

  t.test('repeats nothing that was read and is flushed afterwards', async (t) => {
    const bench = new Bench(3)
    bench.publish(2)
    t.equal(await bench.replay('earliest'), 'live')
    t.strictSame(bench.subscriber.offsets, range(1, 5))
    // The waiting batch takes a message more that the subscriber has not read.
    bench.publish()
    bench.flush()
    t.strictSame(bench.subscriber.offsets, range(1, 6))
  })

  t.test('leaves to the fan-out what came after the read and is not flushed yet', async (t) => {
    const bench = new Bench(3)
    bench.broker.hold()
    const outcome = bench.replay('earliest')
    bench.publish(2)
    bench.broker.resume()
    t.equal(await outcome, 'live')
    t.strictSame(bench.subscriber.offsets, [1, 2, 3])
    bench.flush()
    t.strictSame(bench.subscriber.offsets, range(1, 5))
  })

  t.test('loses and repeats nothing under any order of publish, flush and answer', async (t) => {
    for (let seed = 0; seed < 200; seed++) {
      const bench = new Bench(seed % 7)
      bench.broker.hold()
      const outcome = bench.replay('earliest')
      let state = seed + 1
      for (let step = 0; step < 30; step++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        const action = (state >>> 16) % 4
        if (action === 0) bench.publish(1 + (state >>> 20) % 3)
        else if (action === 1) bench.channel.flush(Infinity)
        else if (action === 2) bench.broker.release()
        else await Promise.resolve()
      }
      bench.broker.resume()
      await outcome
      bench.publish()
      bench.flush()
      const { offsets } = bench.subscriber
      if (offsets.join() !== range(1, offsets.length).join() || bench.subscriber.offset !== offsets.length) t.fail(`seed ${seed}: ${offsets.join()}`)
      if (bench.channel.offset !== offsets.length) t.fail(`seed ${seed}: ${offsets.length} of ${bench.channel.offset}`)
    }
    t.pass('200 orders')
  })

  t.test('says first where the subscriber stands, when it asked', async (t) => {
    const bench = new Bench(5)
    await bench.replay({ epoch: 'e', offset: 3 }, true)
    t.strictSame(bench.subscriber.standings, [{ channel: 'room', id: 'e:3', reason: undefined }])
    const empty = new Bench()
    await empty.replay('now', true)
    t.match(empty.subscriber.standings, [{ id: 'e:0' }])
  })

  t.test('says so once, also when it reads several pages', async (t) => {
    const bench = new Bench(2_500)
    await bench.replay('earliest', true)
    t.match(bench.subscriber.standings, [{ id: 'e:0' }])
    t.equal(bench.subscriber.standings.length, 1)
  })

  t.test('says that a position is not available, and writes all that is kept', async (t) => {
    const bench = new Bench(3)
    t.equal(await bench.replay({ epoch: 'f', offset: 2 }, true), 'live')
    t.match(bench.subscriber, { standings: [{ id: 'e:0', reason: 'epoch' }], offsets: [1, 2, 3] })
  })

  t.test('ends in a gap for a subscriber that cannot be told of one', async (t) => {
    const bench = new Bench(3)
    bench.subscriber.events = false
    t.equal(await bench.replay({ epoch: 'f', offset: 2 }), 'gap')
    t.strictSame(bench.subscriber.writes, [])
  })

  t.test('says so when messages were trimmed between two pages', async (t) => {
    const bench = new Bench(1_500)
    bench.broker.hold()
    const outcome = bench.replay('earliest', true)
    // The answer that is under way has 1 to 1,000.
    bench.broker.keep(100)
    bench.broker.resume()
    t.equal(await outcome, 'live')
    t.match(bench.subscriber.standings, [{ id: 'e:0', reason: undefined }, { id: 'e:1400', reason: 'expired' }])
    t.strictSame(bench.subscriber.offsets, [...range(1, 1_000), ...range(1_401, 1_500)])
  })

  t.test('says so when the log was lost and a message of the new one was flushed while a read was under way', async (t) => {
    const bench = new Bench(3)
    bench.broker.hold()
    const outcome = bench.replay('now', true)
    bench.broker.lose('f')
    bench.publish()
    bench.flush()
    bench.broker.resume()
    t.equal(await outcome, 'live')
    t.match(bench.subscriber.standings, [{ id: 'e:3', reason: undefined }, { id: 'f:0', reason: 'epoch' }])
    t.strictSame(bench.subscriber.ids, ['f:1'])
  })

  t.test('ends when the connection is gone while a read is under way', async (t) => {
    const bench = new Bench(3)
    bench.broker.hold()
    const outcome = bench.replay('earliest', true)
    bench.subscriber.open = false
    bench.broker.resume()
    t.equal(await outcome, 'gone')
    t.match(bench.subscriber, { writes: { length: 0 }, standings: { length: 0 } })
  })

  t.test('ends when the connection is gone while it is written to', async (t) => {
    const bench = new Bench(3)
    bench.subscriber.onWrite = () => { bench.subscriber.open = false }
    t.equal(await bench.replay('earliest'), 'gone')
  })

  t.test('leaves the position of an event stream where it was when its channel is refused while it waits for the socket', async (t) => {
    const bench = new Bench(3)
    const { subscriber: carrier } = bench
    const cursor = new EventStreamCursor({ framed: (bytes) => bytes }, [{ channel: 'room', since: { epoch: 'e', offset: 1 } }, { channel: 'other', since: undefined }])
    const connection = new Connection(carrier, { outbox: new Outbox(), address: '', onEnd: () => {}, onEmpty: () => {} }, { cursor })
    const subscription = connection.add('room')
    const drain = bench.clog()
    const outcome = replay(bench.broker, bench.channel, subscription, { since: { epoch: 'e', offset: 1 }, announce: false })
    await turn()
    connection.refuse('room', refusalOf(new TokenExpiredError()))
    drain()
    t.equal(await outcome, 'gone')
    t.equal(cursor.text, 'e:1,now')
    t.strictSame(carrier.writes, [])
  })

  t.test('waits for a subscriber that does not keep up, instead of buffering the whole log', async (t) => {
    const bench = new Bench()
    for (let index = 0; index < 100; index++) bench.broker.append(`"${'x'.repeat(10_000)}"`)
    const { subscriber } = bench
    const drain = bench.clog()
    const outcome = bench.replay('earliest')
    await turn()
    t.strictSame(subscriber.writes, [])
    drain()
    t.equal(await outcome, 'live')
    t.strictSame(subscriber.offsets, range(1, 100))
    t.ok(subscriber.writes.length > 10)
  })
})

t.test('replay, while the log goes on under another epoch', async (t) => {
  t.test('rebases a subscriber whose position is carried over, without a gap', async (t) => {
    const bench = new Bench(5)
    bench.broker.carryOver('f')
    t.equal(await bench.replay({ epoch: 'e', offset: 3 }), 'live')
    t.strictSame(bench.subscriber.standings, [{ channel: 'room', id: 'f:3', reason: undefined }], 'told also without having asked: its cursor is of no use any more')
    t.strictSame(bench.subscriber.ids, ['f:4', 'f:5'])
    t.match(bench.subscriber, { epoch: 'f', offset: 5 })
    bench.publish()
    bench.flush()
    t.strictSame(bench.subscriber.ids, ['f:4', 'f:5', 'f:6'])
  })

  t.test('does not end a subscriber that cannot be told of it: nothing is missing', async (t) => {
    const bench = new Bench(5)
    bench.subscriber.events = false
    bench.broker.carryOver('f')
    t.equal(await bench.replay({ epoch: 'e', offset: 3 }), 'live')
    t.strictSame(bench.subscriber.ids, ['f:4', 'f:5'])
  })

  t.test('takes a slow subscriber along that waited for its socket meanwhile', async (t) => {
    const bench = new Bench(3)
    const { subscriber } = bench
    const drain = bench.clog()
    const outcome = bench.replay('earliest', true)
    await turn()
    bench.publish()
    bench.broker.carryOver('f')
    drain()
    t.equal(await outcome, 'live')
    t.strictSame(subscriber.ids, ['e:1', 'e:2', 'e:3', 'f:4'])
    t.match(subscriber.standings, [{ id: 'e:0' }, { id: 'f:3', reason: undefined }])
    bench.publish()
    bench.flush()
    t.strictSame(subscriber.offsets, range(1, 5))
  })

  t.test('tells a slow subscriber of the gap when the log was lost meanwhile', async (t) => {
    const bench = new Bench(3)
    const { subscriber } = bench
    const drain = bench.clog()
    const outcome = bench.replay('earliest', true)
    await turn()
    bench.broker.lose('f')
    drain()
    t.equal(await outcome, 'live')
    t.match(subscriber.standings, [{ id: 'e:0', reason: undefined }, { id: 'f:0', reason: 'epoch' }])
    bench.publish()
    bench.flush()
    t.strictSame(subscriber.ids, ['e:1', 'e:2', 'e:3', 'f:1'], 'also with nothing in the new log when it went live')
  })

  t.test('does not go live where the read is of one epoch and the fan-out of another, whatever the offsets are', async (t) => {
    const bench = new Bench(3)
    bench.broker.hold()
    const outcome = bench.replay('now', true)
    bench.broker.carryOver('f')
    bench.broker.release()
    await turn()
    t.equal(bench.subscriber.offset, REPLAYING, 'the answer was e:3, the fan-out begins at f:3')
    bench.broker.resume()
    t.equal(await outcome, 'live')
    t.match(bench.subscriber, { epoch: 'f', offset: 3, standings: [{ id: 'e:3' }, { id: 'f:3', reason: undefined }] })
  })

  t.test('drops what waits to be handed over: each subscriber reads it under its new id', async (t) => {
    const bench = new Bench(3)
    t.equal(await bench.replay('now'), 'live')
    bench.publish(2)
    bench.broker.carryOver('f')
    t.equal(bench.channel.pending, false)
    t.equal(await bench.replay({ epoch: bench.subscriber.epoch, offset: 3 }), 'live')
    t.strictSame(bench.subscriber.ids, ['f:4', 'f:5'])
  })

  t.test('loses and repeats nothing under any order of publish, flush, answer and change of epoch', async (t) => {
    for (let seed = 0; seed < 300; seed++) {
      const bench = new Bench(seed % 5)
      bench.broker.hold()
      const outcome = bench.replay('earliest', true)
      let state = seed + 1
      let epochs = 0
      for (let step = 0; step < 40; step++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        const action = (state >>> 16) % 5
        if (action === 0) bench.publish(1 + (state >>> 20) % 3)
        else if (action === 1) bench.channel.flush(Infinity)
        else if (action === 2) bench.broker.release()
        else if (action === 3 && bench.subscriber.offset === REPLAYING) bench.broker.carryOver(`f${++epochs}`)
        else await Promise.resolve()
      }
      bench.broker.resume()
      await outcome
      bench.publish()
      bench.flush()
      const { offsets, ids, standings } = bench.subscriber
      if (offsets.join() !== range(1, bench.channel.offset).join()) t.fail(`seed ${seed}: ${ids.join()}`)
      if (standings.some(({ reason }) => reason !== undefined)) t.fail(`seed ${seed}: a gap`)
      const told = new Set(standings.map(({ id }) => id.split(':')[0]))
      if (ids.some((id) => !told.has(id.split(':')[0]))) t.fail(`seed ${seed}: an epoch that was not told of`)
    }
    t.pass('300 orders')
  })
})
