import t, { type Test } from 'tap'
import type { Broker, LogEntry } from '../../src/brokers/broker.js'
import { MemoryBroker, type MemoryBrokerOptions } from '../../src/brokers/memory.js'
import type { Position } from '../../src/wire/id.js'
import { rejection } from '../codes.js'
import { eventually } from '../eventually.js'

const HOUR_MS = 3_600_000

/** A broker with a clock that the test moves, and a node that keeps what it is handed. */
class Bench {
  now = 0
  readonly subscribers = new Map<string, number>()
  readonly delivered: (LogEntry & { channel: string })[] = []
  readonly moves: (Position & { channel: string })[] = []
  readonly broker: MemoryBroker

  constructor (t: Test, options: Partial<MemoryBrokerOptions> = {}) {
    this.broker = new MemoryBroker({
      deliver: (channel, entry) => { this.delivered.push({ channel, ...entry }) },
      moved: (channel, position) => { this.moves.push({ channel, ...position }) },
      count: (channel) => this.subscribers.get(channel) ?? 0,
      occupied: () => this.subscribers.keys(),
      announced: () => {}
    }, { size: 100, ttlMs: 1_000, maxBytes: 1_000_000, now: () => this.now, ...options })
    t.teardown(() => this.broker.close())
  }

  async fill (channel: string, count: number, text = '"message"'): Promise<void> {
    for (let index = 0; index < count; index++) await this.broker.publish(channel, text)
  }

  async kept (channel: string): Promise<number[]> {
    return (await this.broker.read(channel, 'earliest')).entries.map(({ offset }) => offset)
  }

  async epoch (channel: string): Promise<string> {
    return (await this.broker.read(channel, 'now')).epoch
  }
}

function unexpected (): void {
  throw new Error('Nobody listens')
}

t.test('MemoryBroker', async (t) => {
  t.test('gives each channel its own offsets, and answers with the position', async (t) => {
    const { broker } = new Bench(t)
    t.match(await broker.publish('a', '1'), { offset: 1, subscribers: 0 })
    t.match(await broker.publish('a', '2'), { offset: 2 })
    t.match(await broker.publish('b', '3'), { offset: 1 })
    t.match(await broker.read('a', 'earliest'), { after: 0, head: 2, entries: [{ message: '1', offset: 1 }, { message: '2', offset: 2 }] })
  })

  t.test('numbers messages that are published at the same time without holes, in the order of the calls', async (t) => {
    const { broker } = new Bench(t, { size: 1_000 })
    const published = await Promise.all(Array.from({ length: 1_000 }, (_, index) => broker.publish('a', String(index))))
    t.strictSame(published.map(({ offset }) => offset), Array.from({ length: 1_000 }, (_, index) => index + 1))
    t.strictSame((await broker.read('a', 'earliest')).entries.map(({ message }) => Number(message)), [...Array(1_000).keys()])
  })

  t.test('delivers to a node that has subscribers, and to no other', async (t) => {
    const bench = new Bench(t)
    await bench.broker.publish('a', '1')
    bench.subscribers.set('a', 3)
    await bench.broker.listen('a')
    const { epoch, ...published } = await bench.broker.publish('a', '2')
    t.strictSame(published, { offset: 2, subscribers: 3 })
    t.match(bench.delivered, [{ channel: 'a', epoch, offset: 2, message: '2', time: Number }])
    t.equal(bench.delivered.length, 1)
  })

  t.test('reads the position of a channel that was never used', async (t) => {
    const { broker } = new Bench(t)
    const replay = await broker.read('nobody', 'earliest')
    t.strictSame(replay, { epoch: replay.epoch, after: 0, head: 0, entries: [] })
    t.equal(broker.size, 0)
    t.equal((await broker.publish('nobody', '1')).epoch, replay.epoch)
    t.match(await broker.read('nobody', { epoch: replay.epoch, offset: 0 }), { after: 0, entries: { length: 1 }, reason: undefined })
  })

  t.test('is ready from the start, and knows no other subscribers than those of its node', async (t) => {
    const { broker, subscribers }: { broker: Broker, subscribers: Map<string, number> } = new Bench(t)
    await broker.started
    t.equal(broker.ready, true)
    subscribers.set('a', 3)
    broker.membershipChanged('a')
    t.strictSame([broker.count('a'), broker.count('b')], [3, 0])
  })

  t.test('reads at most its limit', async (t) => {
    const bench = new Bench(t)
    await bench.fill('a', 10)
    t.match(await bench.broker.read('a', 'earliest', 3), { after: 0, head: 10, entries: { length: 3 } })
  })

  t.test('rejects with MSG_ERR_CLOSED and delivers nothing once it is closed', async (t) => {
    const bench = new Bench(t)
    await bench.fill('a', 1)
    bench.subscribers.set('a', 1)
    await bench.broker.close()
    t.equal(await rejection(bench.broker.publish('a', '1')), 'MSG_ERR_CLOSED')
    t.match(bench, { delivered: { length: 0 }, broker: { bytes: 0, size: 0 } })
  })

  t.test('counts the time by itself when it is given no clock', async (t) => {
    const receiver = { deliver: unexpected, moved: unexpected, count: () => 0, occupied: () => [], announced: () => {} }
    const broker = new MemoryBroker(receiver, { size: 1, ttlMs: 60_000, maxBytes: 10_000 })
    await broker.publish('a', '1')
    t.match(await broker.read('a', 'earliest'), { entries: { length: 1 } })
    await broker.close()
  })

  t.test('uses another epoch in each process and for each broker', async (t) => {
    t.not(await new Bench(t).epoch('a'), await new Bench(t).epoch('a'))
  })
})

t.test('what a MemoryBroker keeps', async (t) => {
  t.test('is the last messages of each channel', async (t) => {
    const bench = new Bench(t, { size: 3 })
    await bench.fill('a', 10)
    await bench.fill('b', 2)
    t.strictSame(await bench.kept('a'), [8, 9, 10])
    t.strictSame(await bench.kept('b'), [1, 2])
  })

  t.test('is nothing with size 0, and offsets go on', async (t) => {
    const bench = new Bench(t, { size: 0 })
    bench.subscribers.set('a', 1)
    await bench.broker.listen('a')
    await bench.fill('a', 3)
    t.strictSame(bench.delivered.map(({ offset }) => offset), [1, 2, 3])
    t.match(await bench.broker.read('a', 'earliest'), { after: 3, head: 3, entries: { length: 0 } })
    bench.broker.unlisten('a')
    t.match(await bench.broker.publish('a', '4'), { offset: 4 })
  })

  t.test('is gone after its time, also without a publish or a sweep', async (t) => {
    const bench = new Bench(t)
    await bench.fill('a', 2)
    bench.now = 600
    await bench.fill('a', 1)
    bench.now = 1_000
    t.strictSame(await bench.kept('a'), [1, 2, 3])
    bench.now = 1_001
    t.strictSame(await bench.kept('a'), [3])
    bench.now = 1_601
    t.strictSame(await bench.kept('a'), [])
    t.match(await bench.broker.publish('a', '4'), { offset: 4 })
  })

  t.test('is swept after its time; the position is known for an hour more', async (t) => {
    const bench = new Bench(t)
    await bench.fill('a', 2)
    const epoch = await bench.epoch('a')
    const withMessages = bench.broker.bytes
    bench.now = 1_001
    bench.broker.sweep()
    t.ok(bench.broker.bytes < withMessages)
    t.match(await bench.broker.read('a', { epoch, offset: 2 }), { head: 2, reason: undefined })
    t.match(await bench.broker.read('a', { epoch, offset: 1 }), { head: 2, reason: 'expired' })
    bench.now = HOUR_MS
    bench.broker.sweep()
    t.equal(bench.broker.size, 1)
    bench.now = HOUR_MS + 1
    bench.broker.sweep()
    t.match(bench.broker, { size: 0, bytes: 0 })
    t.match(await bench.broker.read('a', { epoch, offset: 2 }), { head: 0, reason: 'epoch' })
  })

  t.test('is swept only as far as it is old', async (t) => {
    const bench = new Bench(t)
    await bench.fill('old', 1)
    bench.now = 900
    await bench.fill('young', 1)
    bench.now = 1_500
    bench.broker.sweep()
    t.strictSame(await bench.kept('young'), [1])
    bench.now = HOUR_MS + 500
    bench.broker.sweep()
    t.equal(bench.broker.size, 1)
  })

  t.test('is swept regularly by one timer that does not hold the process', async (t) => {
    const bench = new Bench(t, { ttlMs: 1 })
    await bench.fill('a', 1)
    bench.now = HOUR_MS * 2
    await eventually(() => bench.broker.size === 0)
    t.equal(bench.broker.bytes, 0)
  })

  t.test('fits into its bytes: the channels that were unused longest lose theirs first', async (t) => {
    const bench = new Bench(t, { maxBytes: 10_000 })
    for (const channel of ['a', 'b', 'c']) await bench.fill(channel, 1, `"${'x'.repeat(2_000)}"`)
    await bench.fill('a', 1)
    await bench.fill('d', 1, `"${'x'.repeat(4_000)}"`)
    t.ok(bench.broker.bytes <= 10_000)
    t.strictSame(await bench.kept('b'), [])
    t.strictSame(await bench.kept('a'), [1, 2])
    t.strictSame(await bench.kept('c'), [1])
    t.strictSame(await bench.kept('d'), [1])
  })

  t.test('fits into its bytes when one channel alone would fill them: its oldest messages go', async (t) => {
    const bench = new Bench(t, { maxBytes: 10_000 })
    await bench.fill('a', 20, `"${'x'.repeat(2_000)}"`)
    t.ok(bench.broker.bytes <= 10_000)
    t.strictSame(await bench.kept('a'), [17, 18, 19, 20])
  })

  t.test('is nothing of a message that is larger than all the bytes, which still gets its offset', async (t) => {
    const bench = new Bench(t, { maxBytes: 1_000 })
    await bench.fill('a', 2, `"${'x'.repeat(2_000)}"`)
    t.strictSame(await bench.kept('a'), [])
    t.ok(bench.broker.bytes <= 1_000)
    t.match(await bench.broker.publish('a', '1'), { offset: 3 })
    t.strictSame(await bench.kept('a'), [3])
  })

  t.test('stays bounded with many channels that are published to once each', async (t) => {
    for (const size of [0, 1]) {
      const bench = new Bench(t, { size, maxBytes: 100_000 })
      for (let index = 0; index < 5_000; index++) await bench.broker.publish(`channel-${index}`, '1')
      t.ok(bench.broker.bytes <= 100_000)
      t.ok(bench.broker.size < 250)
      t.match(await bench.broker.read('channel-4999', 'now'), { head: 1 })
    }
  })

  t.test('is counted exactly: bytes return to 0 when everything was forgotten', async (t) => {
    const bench = new Bench(t, { size: 5, maxBytes: 20_000 })
    const occupied = new Set<string>()
    for (let round = 0; round < 2_000; round++) {
      const channel = `c${round * 7 % 13}`
      switch (round * 11 % 17) {
        case 0: if (!occupied.has(channel)) await bench.broker.listen(channel); occupied.add(channel); break
        case 1: if (occupied.delete(channel)) bench.broker.unlisten(channel); break
        case 2: bench.now += 400; break
        case 3: bench.broker.sweep(); break
        default:
          await bench.broker.publish(channel, `"${'€'.repeat(round % 300)}"`)
          if (bench.broker.bytes < 0 || bench.broker.bytes > 20_000) t.fail(`${bench.broker.bytes} bytes in round ${round}`)
      }
    }
    for (const channel of occupied) bench.broker.unlisten(channel)
    for (let pass = 0; pass < 3; pass++) {
      bench.now += HOUR_MS * 2
      bench.broker.sweep()
    }
    t.match(bench.broker, { size: 0, bytes: 0 })
  })
})

t.test('the epoch of a log in a MemoryBroker', async (t) => {
  t.test('is another one after the log was dropped', async (t) => {
    const bench = new Bench(t, { maxBytes: 3_000 })
    const { epoch } = await bench.broker.publish('a', '1')
    await bench.fill('b', 1, `"${'x'.repeat(2_500)}"`)
    t.match(await bench.broker.read('a', { epoch, offset: 1 }), { head: 0, reason: 'epoch' })
    t.not((await bench.broker.publish('a', '2')).epoch, epoch)
    t.match(await bench.broker.read('a', { epoch, offset: 1 }), { reason: 'epoch', entries: [{ message: '2' }] })
  })

  t.test('is never used twice for a channel, however often its log is dropped', async (t) => {
    const bench = new Bench(t, { maxBytes: 1_000 })
    const epochs = new Set<string>()
    for (let round = 0; round < 100; round++) {
      epochs.add((await bench.broker.publish('a', '1')).epoch)
      await bench.broker.publish('b', `"${'x'.repeat(900)}"`)
    }
    t.equal(epochs.size, 100)
  })

  t.test('outlives an empty log: it is forgotten and born again under the same one', async (t) => {
    const bench = new Bench(t)
    await bench.broker.listen('a')
    const epoch = await bench.epoch('a')
    bench.broker.unlisten('a')
    t.match(bench.broker, { size: 0, bytes: 0 })
    t.equal(await bench.epoch('a'), epoch)
    t.match(await bench.broker.publish('a', '1'), { epoch, offset: 1 })
  })

  t.test('stays while a node listens, whatever becomes of the messages', async (t) => {
    const bench = new Bench(t, { maxBytes: 3_000 })
    await bench.broker.listen('a')
    const { epoch } = await bench.broker.publish('a', '1')
    await bench.fill('b', 1, `"${'x'.repeat(2_800)}"`)
    t.match(await bench.broker.read('a', 'earliest'), { epoch, after: 1, head: 1, entries: { length: 0 } })
    bench.now = HOUR_MS * 3
    bench.broker.sweep()
    t.match(await bench.broker.publish('a', '2'), { epoch, offset: 2 })
    bench.broker.unlisten('a')
    t.match(await bench.broker.publish('a', '3'), { epoch, offset: 3 })
  })

  t.test('ends when the log is old after the last listener left', async (t) => {
    const bench = new Bench(t)
    await bench.broker.listen('a')
    const { epoch } = await bench.broker.publish('a', '1')
    bench.now = HOUR_MS * 2
    bench.broker.unlisten('a')
    bench.now += 1_001
    bench.broker.sweep()
    t.match(await bench.broker.read('a', { epoch, offset: 1 }), { reason: undefined, head: 1 })
    bench.now += HOUR_MS * 2
    bench.broker.sweep()
    t.match(await bench.broker.read('a', { epoch, offset: 1 }), { reason: 'epoch', head: 0 })
    t.match(bench.broker, { size: 0, bytes: 0 })
  })

  t.test('is not touched by an unlisten that nothing preceded', async (t) => {
    const bench = new Bench(t)
    await bench.fill('a', 1)
    const { bytes } = bench.broker
    bench.broker.unlisten('a')
    bench.broker.unlisten('b')
    t.match(bench.broker, { size: 1, bytes })
  })
})

t.test('a relay', async (t) => {
  t.test('keeps the position of a channel that is left and listened to again', async (t) => {
    const { broker } = new Bench(t, { size: 0 })
    await broker.publish('room', '1')
    await broker.listen('room')
    broker.unlisten('room')
    await broker.listen('room')
    t.match(await broker.publish('room', '2'), { offset: 2 })
  })

  t.test('counts on for the channel in use when there is room for nothing', async (t) => {
    const { broker } = new Bench(t, { size: 0, maxBytes: 0 })
    t.match(await broker.publish('room', '1'), { offset: 1 })
    t.match(await broker.publish('room', '2'), { offset: 2 })
    await broker.publish('other', '1')
    t.equal(broker.size, 1)
  })
})
