import t from 'tap'
import { Channel } from '../../src/channels/channel.js'
import { REPLAYING } from '../../src/channels/subscriber.js'
import { Traffic } from '../../src/metrics/traffic.js'
import { encodeIds, FakeSubscriber, range } from './fake-subscriber.js'

const MAX_BUFFERED_BYTES = 1_000

/** A channel whose subscribers stand at the beginning of its log. */
class Bench {
  readonly slow: FakeSubscriber[] = []
  readonly holes: FakeSubscriber[] = []
  readonly channel = new Channel('room', {
    onSlow: (subscriber) => { this.slow.push(subscriber as FakeSubscriber) },
    onHole: (subscriber) => { this.holes.push(subscriber as FakeSubscriber) }
  }, { maxBufferedBytes: MAX_BUFFERED_BYTES, traffic: new Traffic() })

  #head = 0

  join (subscriber = new FakeSubscriber(), offset = this.#head): FakeSubscriber {
    subscriber.epoch = 'e'
    subscriber.offset = offset
    this.channel.subscribers.add(subscriber)
    return subscriber
  }

  deliver (count = 1, message = '0'): void {
    for (let index = 0; index < count; index++) this.channel.deliver({ epoch: 'e', offset: ++this.#head, message })
  }

  flush (): void {
    while (this.channel.pending) this.channel.flush(Infinity)
  }
}

t.test('Channel.complete', async (t) => {
  t.test('hands a subscriber that leaves what waits for it, and nothing twice', async (t) => {
    const bench = new Bench()
    const [served, leaver] = [bench.join(), bench.join()]
    bench.deliver(2)
    bench.channel.complete(leaver)
    t.strictSame([leaver.offsets, served.offsets], [[1, 2], []])
    bench.deliver()
    bench.flush()
    t.strictSame([leaver.offsets, served.offsets], [[1, 2, 3], [1, 2, 3]])
  })

  t.test('begins with the batch that is being handed over', async (t) => {
    const bench = new Bench()
    const members = range(1, 4).map(() => bench.join())
    bench.deliver()
    bench.channel.flush(2)
    bench.deliver()
    for (const member of members) bench.channel.complete(member)
    for (const { offsets } of members) t.strictSame(offsets, [1, 2])
    bench.flush()
    for (const { offsets } of members) t.strictSame(offsets, [1, 2])
  })
})

t.test('Channel.flush', async (t) => {
  t.test('hands all that waits to each subscriber in one write', async (t) => {
    const bench = new Bench()
    const [first, second] = [bench.join(), bench.join()]
    bench.deliver(3)
    t.equal(bench.channel.pending, true)
    t.equal(bench.channel.flush(Infinity), 2)
    t.equal(bench.channel.pending, false)
    for (const subscriber of [first, second]) t.match(subscriber, { ids: ['e:1', 'e:2', 'e:3'], writes: { length: 1 }, offset: 3 })
    t.equal(bench.channel.flush(Infinity), 0)
  })

  t.test('encodes a batch once for all subscribers of a transport', async (t) => {
    const bench = new Bench()
    let calls = 0
    const encodeOther = (envelopes: Parameters<typeof encodeIds>[0]): Buffer => { calls++; return encodeIds(envelopes) }
    const others = [new FakeSubscriber(encodeOther), new FakeSubscriber(encodeOther)]
    const subscribers = [bench.join(), bench.join(), ...others.map((other) => bench.join(other))]
    bench.deliver(2)
    bench.flush()
    t.equal(subscribers[0]?.writes[0], subscribers[1]?.writes[0])
    t.equal(subscribers[2]?.writes[0], subscribers[3]?.writes[0])
    t.not(subscribers[0]?.writes[0], subscribers[2]?.writes[0])
    t.equal(calls, 1)
  })

  t.test('bounds what goes out in one write', async (t) => {
    const bench = new Bench()
    const subscriber = bench.join()
    bench.deliver(10, `"${'x'.repeat(50_000)}"`)
    bench.channel.flush(Infinity)
    t.strictSame(subscriber.offsets, [1, 2, 3])
    bench.flush()
    t.strictSame(subscriber.offsets, range(1, 10))
    t.equal(subscriber.writes.length, 4)
  })

  t.test('stops when its budget is used and goes on from there', async (t) => {
    const bench = new Bench()
    const subscribers = range(1, 10).map(() => bench.join())
    bench.deliver()
    t.equal(bench.channel.flush(4), 4)
    t.strictSame(subscribers.map(({ ids }) => ids.length), [1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    t.equal(bench.channel.pending, true)
    t.equal(bench.channel.flush(4), 4)
    t.equal(bench.channel.flush(4), 2)
    t.equal(bench.channel.pending, false)
    for (const { ids } of subscribers) t.strictSame(ids, ['e:1'])
  })

  t.test('keeps the order when messages arrive between two slices', async (t) => {
    const bench = new Bench()
    const subscribers = range(1, 10).map(() => bench.join())
    for (let round = 0; round < 20; round++) {
      bench.deliver()
      bench.channel.flush(3)
    }
    bench.flush()
    for (const { offsets } of subscribers) t.strictSame(offsets, range(1, 20))
  })

  t.test('loses and repeats nothing for subscribers that join and leave between two slices', async (t) => {
    const bench = new Bench()
    const stayed = range(1, 10).map(() => bench.join())
    const leavers = range(1, 5).map(() => bench.join())
    bench.deliver(2)
    bench.channel.flush(5)
    // One that read the log joins with all of the batch, another one with half of it.
    const [whole, half] = [bench.join(new FakeSubscriber(), 2), bench.join(new FakeSubscriber(), 1)]
    for (const leaver of leavers) bench.channel.subscribers.delete(leaver)
    bench.channel.subscribers.delete(stayed[0] as FakeSubscriber)
    bench.deliver(2)
    bench.flush()
    t.strictSame(stayed[0]?.offsets, [1, 2])
    for (const { offsets } of stayed.slice(1)) t.strictSame(offsets, [1, 2, 3, 4])
    for (const { offsets } of leavers) t.strictSame(offsets, [])
    t.strictSame(whole.offsets, [3, 4])
    t.strictSame(half.offsets, [2, 3, 4])
    t.strictSame(bench.holes, [])
  })

  t.test('passes by a subscriber that reads the log', async (t) => {
    const bench = new Bench()
    const subscriber = bench.join(new FakeSubscriber(), REPLAYING)
    bench.deliver()
    bench.flush()
    t.match(subscriber, { writes: { length: 0 }, offset: REPLAYING })
  })

  t.test('gives nothing to a subscriber that has it already', async (t) => {
    const bench = new Bench()
    const subscriber = bench.join(new FakeSubscriber(), 3)
    bench.deliver(3)
    bench.flush()
    t.strictSame(subscriber.offsets, [])
    bench.deliver()
    bench.flush()
    t.strictSame(subscriber.offsets, [4])
  })

  t.test('reports a subscriber that would miss a message, and writes nothing to it', async (t) => {
    const bench = new Bench()
    bench.deliver(2)
    bench.flush()
    const behind = bench.join(new FakeSubscriber(), 1)
    const other = bench.join()
    other.epoch = 'another log'
    bench.deliver()
    bench.flush()
    t.strictSame(bench.holes, [behind, other])
    t.strictSame([behind.writes, other.writes], [[], []])
  })

  t.test('splits a batch where the log has a hole or is another one', async (t) => {
    const bench = new Bench()
    const subscriber = bench.join()
    bench.channel.deliver({ epoch: 'e', offset: 1, message: '1' })
    bench.channel.deliver({ epoch: 'e', offset: 3, message: '3' })
    bench.channel.deliver({ epoch: 'f', offset: 4, message: '4' })
    bench.flush()
    t.strictSame(subscriber.ids, ['e:1'])
    t.strictSame(bench.holes, [subscriber, subscriber])
  })

  t.test('checks the unsent bytes before it writes, and reports subscribers above the limit', async (t) => {
    const bench = new Bench()
    const [atLimit, over] = [bench.join(), bench.join()]
    atLimit.unsentBytes = MAX_BUFFERED_BYTES
    over.unsentBytes = MAX_BUFFERED_BYTES + 1
    bench.deliver()
    bench.flush()
    t.strictSame(bench.slow, [over])
    t.strictSame(over.writes, [])
    t.strictSame(atLimit.offsets, [1])
  })

  t.test('says how far it has come', async (t) => {
    const bench = new Bench()
    t.match(bench.channel, { epoch: '', offset: 0 })
    bench.channel.move({ epoch: 'e', offset: 0 })
    t.match(bench.channel, { epoch: 'e', offset: 0 })
    bench.join()
    bench.join()
    bench.deliver(3)
    t.match(bench.channel, { offset: 0 })
    bench.channel.flush(1)
    t.match(bench.channel, { epoch: 'e', offset: 3 })
  })
})
