import t, { type Test } from 'tap'
import type { ReceiptReport, Receiver } from '../../src/brokers/broker.js'
import { MemoryBroker } from '../../src/brokers/memory.js'
import { Hub } from '../../src/channels/hub.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { eventually, turn } from '../eventually.js'
import { FakeSubscriber } from './fake-subscriber.js'

const BOUNDS = { size: 100, ttlMs: 60_000, maxBytes: 1e6 }

/** A subscriber that can acknowledge. */
class Acknowledging extends FakeSubscriber {
  allowed = 0

  override get acknowledges (): boolean {
    return true
  }

  override allowAcknowledgement (): void {
    this.allowed++
  }
}

/** A broker in memory that has another instance. */
class Paired extends MemoryBroker {
  readonly reported: (ReceiptReport & { receipt: string })[] = []
  readonly receipts = {
    instance: 'here',
    open: () => this.opening,
    ask: () => Promise.resolve(this.reached),
    others: () => new Map([['there', 0]]),
    report: (receipt: string, report: ReceiptReport) => { this.reported.push({ receipt, ...report }) }
  }

  reached: number | undefined = 1
  opening: Promise<void> | undefined

  constructor (readonly receiver: Receiver) {
    super(receiver, BOUNDS)
  }
}

function createHub (t: Test, create = (receiver: Receiver): MemoryBroker => new MemoryBroker(receiver, BOUNDS)): Hub {
  const hub = new Hub(create, {
    maxBufferedBytes: 1_000,
    maxChannels: 10,
    counters: new LimitCounters(),
    pingIntervalMs: 60_000,
    drainMs: 0,
    onAnnouncement () {},
    onStatus () {},
    onLog () {}
  })
  t.teardown(() => hub.close())
  return hub
}

function pair (t: Test): { hub: Hub, broker: Paired } {
  let broker!: Paired
  const hub = createHub(t, (receiver) => broker = new Paired(receiver))
  return { hub, broker }
}

async function joined<T extends FakeSubscriber> (hub: Hub, subscriber: T, channel = 'room'): Promise<T> {
  await hub.join(channel, subscriber, 'now', false)
  return subscriber
}

t.test('Receipts', async (t) => {
  t.test('count a subscriber that reads on from the log as silent at once, and one that is too slow', async (t) => {
    const hub = createHub(t)
    const [slow, behind, live, unable] = [new Acknowledging(), new Acknowledging(), new Acknowledging(), new FakeSubscriber()]
    for (const subscriber of [slow, behind, live, unable]) await joined(hub, subscriber)
    slow.unsentBytes = 2_000
    behind.offset = 0
    behind.epoch = 'other'
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    await eventually(() => live.ids.length === 1, { message: 'it is handed over' })
    hub.receipts.acknowledge(live, live.ids[0] as string)
    t.match((await answer).receipts, { received: 1, silent: 2, unable: 1 })
    t.strictSame([slow.allowed, behind.allowed, live.allowed], [0, 0, 1])
    hub.receipts.acknowledge(behind, live.ids[0] as string)
  })

  t.test('do not count a subscriber that came after the message', async (t) => {
    const hub = createHub(t)
    const first = await joined(hub, new Acknowledging())
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    const late = new Acknowledging()
    await Promise.all([hub.join('room', late, 'now', false), eventually(() => first.ids.length === 1, { message: 'it is handed over' })])
    hub.receipts.acknowledge(first, first.ids[0] as string)
    t.match((await answer).receipts, { received: 1, silent: 0, unable: 0 })
    t.strictSame(late.ids, [])
  })

  t.test('do not count a subscriber that joins an idle channel during the publish', async (t) => {
    const hub = createHub(t)
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    await joined(hub, new Acknowledging())
    t.match((await answer).receipts, { received: 0, silent: 0, unable: 0 })
  })

  t.test('end without an acknowledgement where the log moves on before the hand-over', async (t) => {
    const { hub, broker } = pair(t)
    const { epoch } = await joined(hub, new Acknowledging())
    await joined(hub, new FakeSubscriber())
    broker.reached = 0
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    broker.receiver.moved('room', { epoch, offset: 1 })
    t.match((await answer).receipts, { received: 0, silent: 1, unable: 1 })
  })

  t.test('count the rest of a crowd as silent where the log moves on amid the hand-over', async (t) => {
    const { hub, broker } = pair(t)
    const crowd = await Promise.all(Array.from({ length: 300 }, () => joined(hub, new Acknowledging())))
    broker.reached = 0
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    await turn()
    const handed = crowd.filter(({ ids }) => ids.length > 0)
    t.ok(handed.length > 0 && handed.length < 300, String(handed.length))
    void hub.publish('room', '2', {})
    broker.receiver.moved('room', { epoch: crowd[0]?.epoch as string, offset: 2 })
    for (const subscriber of handed) hub.receipts.acknowledge(subscriber, subscriber.ids[0] as string)
    t.match((await answer).receipts, { received: handed.length, silent: 300 - handed.length, unable: 0 })
  })

  t.test('are those until then when the app closes, which hands over the message before', async (t) => {
    const hub = createHub(t)
    const subscriber = await joined(hub, new Acknowledging())
    const answer = hub.publish('room', '1', { waitMs: 30_000 })
    const closing = hub.close()
    t.equal(subscriber.ids.length, 1)
    t.match((await answer).receipts, { received: 0, silent: 1, unable: 0 })
    t.equal((await hub.publish('room', '2', { waitMs: 30_000 }).catch(() => undefined))?.receipts, undefined)
    hub.leave(subscriber)
    await closing
  })

  t.test('of another instance are reported to it, together, and at once when nothing is open', async (t) => {
    const { hub, broker } = pair(t)
    const [first, second, third] = [new Acknowledging(), new Acknowledging(), new Acknowledging()]
    for (const subscriber of [first, second, third]) await joined(hub, subscriber)
    await joined(hub, new FakeSubscriber())
    const { epoch, offset } = await broker.publish('room', '1', { receipt: 'there.1.30000' })
    const id = `${epoch}:${offset}`
    await eventually(() => broker.reported.length === 1, { message: 'the hand-over is reported' })
    t.match(broker.reported.splice(0), [{ receipt: 'there.1.30000', counted: 3, unable: 1, open: 3, latenciesMs: [] }])
    hub.receipts.acknowledge(first, id)
    hub.receipts.acknowledge(first, id)
    hub.receipts.acknowledge(first, 'e:1')
    await eventually(() => broker.reported.length === 1, { message: 'the first acknowledgement is reported' })
    t.match(broker.reported.splice(0), [{ open: 2, latenciesMs: [Number] }])
    hub.receipts.acknowledge(second, id)
    hub.leave(third)
    t.match(broker.reported, [{ counted: 3, unable: 1, open: 0, latenciesMs: { length: 1 } }])
    t.equal(hub.receipts.size, 0)
  })

  t.test('are waited for as long as the publisher waits', async (t) => {
    const { hub, broker } = pair(t)
    await joined(hub, new Acknowledging())
    await broker.publish('room', '1', { receipt: 'there.1.30' })
    t.equal(hub.receipts.size, 1)
    await eventually(() => hub.receipts.size === 0, { message: 'the wait is over' })
    t.match(broker.reported.at(-1), { counted: 1, open: 1 })
    for (const receipt of ['here.1.1000', 'garbage']) await broker.publish('room', '1', { receipt })
    t.equal(hub.receipts.size, 0, 'nothing waits')
  })

  t.test('are nothing on an instance without subscribers of the channel, when another asks', async (t) => {
    const { hub, broker } = pair(t)
    hub.receipts.receiver.receiptAsked('there.1.1000', 'room', { epoch: 'e', offset: 1 })
    t.match(broker.reported.splice(0), [{ receipt: 'there.1.1000', counted: 0, unable: 0, open: 0 }])
    await joined(hub, new Acknowledging())
    hub.receipts.receiver.receiptAsked('there.1.1000', 'room', { epoch: 'e', offset: 1 })
    const { epoch, offset } = await broker.publish('room', '1', { receipt: 'there.1.1000' })
    hub.receipts.receiver.receiptAsked('there.1.1000', 'room', { epoch, offset })
    hub.receipts.receiver.receiptAsked('there.1.1000', 'room', { epoch, offset: offset + 1 })
    t.strictSame(broker.reported, [], 'the message comes, or is counted')
    await eventually(() => broker.reported.length === 1, { message: 'the hand-over' })
  })

  t.test('of this instance and of another add up, whose latency begins with the publish', async (t) => {
    const { hub, broker } = pair(t)
    const subscriber = await joined(hub, new Acknowledging())
    broker.opening = Promise.resolve()
    const publishing = hub.publish('room', '1', { waitMs: 30_000 })
    await eventually(() => subscriber.ids.length === 1, { message: 'it is handed over' })
    hub.receipts.acknowledge(subscriber, subscriber.ids[0] as string)
    const receipt = 'here.0.30000'
    hub.receipts.receiver.receiptReported(receipt, 'there', { counted: 2, unable: 1, open: 0, elapsedMs: 0, latenciesMs: [1_000] })
    const { receipts } = await publishing
    t.match(receipts, { received: 2, silent: 1, unable: 1, latencyMs: { p50: Number } })
    t.ok(receipts?.latencyMs && receipts.latencyMs.p50 < receipts.latencyMs.max && receipts.latencyMs.max >= 1_000)
    hub.receipts.receiver.receiptReported(receipt, 'there', { counted: 2, unable: 1, open: 0, elapsedMs: 0, latenciesMs: [] })
    t.equal(hub.receipts.waits, 0)
  })

  t.test('are waited for by at most 10,000 messages; those beyond have silent subscribers', async (t) => {
    const { hub, broker } = pair(t)
    await joined(hub, new Acknowledging())
    for (let number = 0; number < 10_001; number++) await broker.publish('room', '1', { receipt: `there.${number}.30000` })
    t.equal(hub.receipts.size, 10_000)
    await eventually(() => broker.reported.length === 10_001, { message: 'all hand-overs are reported' })
    t.match(broker.reported.find(({ receipt }) => receipt === 'there.10000.30000'), { counted: 1, open: 0 })
  })

  t.test('are not asked for where there are more than 1,000 subscribers', async (t) => {
    const hub = createHub(t)
    const crowd = await Promise.all(Array.from({ length: 1_001 }, () => joined(hub, new Acknowledging())))
    t.equal((await hub.publish('room', '1', { waitMs: 30_000 })).receipts, undefined)
    await eventually(() => crowd.every(({ ids }) => ids.length === 1), { message: 'it is delivered' })
    t.equal(crowd[0]?.allowed, 0)
  })

  t.test('leave nothing behind where the publish is refused', async (t) => {
    const { hub, broker } = pair(t)
    broker.publish = () => Promise.reject(new Error('away'))
    await t.rejects(hub.publish('room', '1', { waitMs: 30_000 }), { message: 'away' })
    t.equal(hub.receipts.waits, 0)
  })
})
