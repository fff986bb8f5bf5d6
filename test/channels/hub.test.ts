import t, { type Test } from 'tap'
import type { CreateBroker } from '../../src/brokers/broker.js'
import { MemoryBroker } from '../../src/brokers/memory.js'
import { ChannelEmitter } from '../../src/channels/channel-emitter.js'
import { Directory } from '../../src/channels/directory.js'
import { Hub } from '../../src/channels/hub.js'
import type { HubOptions } from '../../src/channels/hub-options.js'
import { ChannelNames } from '../../src/channels/name.js'
import { Presence } from '../../src/channels/presence.js'
import { Publisher } from '../../src/channels/publisher.js'
import { ChannelRegistry } from '../../src/channels/registry.js'
import { EngineUnavailableError } from '../../src/errors.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { rejection } from '../codes.js'
import { eventually, turn } from '../eventually.js'
import { FakeSubscriber, range } from './fake-subscriber.js'
import { StubBroker } from './stub-broker.js'

const OPTIONS: HubOptions = {
  maxBufferedBytes: 10_000, pingIntervalMs: 25_000, drainMs: 1_000, maxChannels: 1_000,
  counters: new LimitCounters(), onAnnouncement: () => {}, onStatus: () => {}, onLog: () => {}
}
const RULES = { anyMembers: false, hasMembers: () => false, names: new ChannelNames(new Set(['client.js'])), maxMessageBytes: 1_000 }

interface Node {
  hub: Hub
  registry: ChannelRegistry
}

function createNode (
  t: Test, create: CreateBroker = (receiver) => new MemoryBroker(receiver, { size: 100_000, ttlMs: 60_000, maxBytes: 1e9 })
): Node {
  const hub = new Hub(create, OPTIONS)
  t.teardown(() => hub.close(0))
  const events = new ChannelEmitter((error) => { t.error(error) })
  const presence = new Presence(RULES, events)
  const directory = new Directory({ names: RULES.names, rules: RULES, broker: new StubBroker() })
  return { hub, registry: new ChannelRegistry(hub, new Publisher(hub, RULES), { directory, presence, events }) }
}

/** A node whose broker answers when the test lets it. */
function createStubbed (t: Test): Node & { broker: StubBroker } {
  const broker = new StubBroker()
  return { ...createNode(t, (receiver) => { broker.receiver = receiver; return broker }), broker }
}

async function join (hub: Hub, subscriber = new FakeSubscriber(), channel = 'room'): Promise<FakeSubscriber> {
  await hub.join(channel, subscriber, 'now', false)
  return subscriber
}

t.test('ChannelRegistry.publish', async (t) => {
  t.test('answers with the id and the number of subscribers, and hands the message to each of them', async (t) => {
    const { registry, hub } = createNode(t)
    t.match(await registry.publish('room', 'nobody'), { id: /^[\w-]+:1$/, subscribers: 0 })
    const members = [await join(hub), await join(hub)]
    const { id, subscribers } = await registry.publish('room', 'hello')
    t.equal(subscribers, 2)
    await turn()
    for (const { ids } of members) t.strictSame(ids, [id])
  })

  t.test('rejects what it cannot take, by code, and delivers nothing', async (t) => {
    const { registry, hub } = createNode(t)
    const member = await join(hub)
    for (const name of ['', 'a b', '.room', 'ä', 'a'.repeat(101), 7, null, undefined, {}, ['room']]) {
      t.equal(await rejection(registry.publish(name as string, 1)), 'MSG_ERR_CHANNEL_INVALID')
    }
    t.equal(await rejection(registry.publish('client.js', 1)), 'MSG_ERR_CHANNEL_RESERVED')
    for (const message of [undefined, null, '']) t.equal(await rejection(registry.publish('room', message)), 'MSG_ERR_MESSAGE_MISSING')
    t.equal(await rejection(registry.publish('room', 1n)), 'MSG_ERR_MESSAGE_INVALID')
    t.equal(await rejection(registry.publish('room', 'x'.repeat(999))), 'MSG_ERR_MESSAGE_TOO_LARGE')
    t.equal(await rejection(registry.publish('room', '€'.repeat(333))), 'MSG_ERR_MESSAGE_TOO_LARGE')
    t.match(await registry.publish('room', 'x'.repeat(998)), { id: /:1$/ })
    await turn()
    t.strictSame(member.offsets, [1])
  })

  t.test('rejects a batch that is no list, and names the entry that is no object', async (t) => {
    const { registry, hub } = createNode(t)
    for (const entries of [undefined, null, 'room', { length: 1 }]) t.equal(await rejection(registry.publishAll(entries as never)), 'MSG_ERR_BATCH_INVALID')
    for (const entry of [undefined, null, 'room', 7]) await t.rejects(registry.publishAll([{ channel: 'room', message: 1 }, entry as never]), { code: 'MSG_ERR_BATCH_INVALID', message: /entry 1 is no object/ })
    t.match(await hub.read('room', 'earliest', 10), { entries: { length: 0 } })
  })

  t.test('rejects a batch with an entry that cannot be read, names its index and publishes none', async (t) => {
    const { registry, hub } = createNode(t)
    const broken = { channel: 'room', get message (): unknown { throw new Error('no row') } }
    await t.rejects(registry.publishAll([{ channel: 'room', message: 1 }, broken]), { code: 'MSG_ERR_BATCH_INVALID', message: /entry 1 cannot be read: no row/ })
    t.match(await hub.read('room', 'earliest', 10), { entries: { length: 0 } })
  })

  t.test('does not let a message that changes afterwards change what was published', async (t) => {
    const { registry, hub } = createNode(t)
    const message = { text: 'before' }
    const published = registry.publish('room', message)
    message.text = 'after'
    await published
    t.match(await hub.read('room', 'earliest', 1), { entries: [{ message: '{"text":"before"}' }] })
  })
})

t.test('Hub', async (t) => {
  t.test('knows the occupied channels and frees one with its last subscriber', async (t) => {
    const { registry, hub } = createNode(t)
    t.strictSame([...registry], [])
    const [first, second, other] = [await join(hub), await join(hub), await join(hub, new FakeSubscriber(), 'other')]
    t.strictSame([...registry], ['room', 'other'])
    t.equal(registry.subscriberCount('room'), 2)
    hub.leave(first)
    t.equal(registry.subscriberCount('room'), 1)
    hub.leave(second)
    hub.leave(second)
    t.strictSame([...registry], ['other'])
    t.equal(registry.subscriberCount('room'), 0)
    hub.leave(other)
    t.strictSame([...registry], [])
  })

  t.test('counts no subscribers in a channel that was never used', async (t) => {
    const { registry } = createNode(t)
    for (const name of ['nobody', '__proto__', 'constructor', '']) t.equal(registry.subscriberCount(name), 0)
  })

  t.test('tells the broker when a channel is not needed any more', async (t) => {
    const { hub, broker } = createStubbed(t)
    const member = await join(hub)
    t.strictSame(broker.unlistened, [])
    hub.leave(member)
    t.strictSame(broker.unlistened, ['room'])
  })

  t.test('notifies the broker of subscribers that come and go', async (t) => {
    const { hub, broker } = createStubbed(t)
    const member = await join(hub)
    await join(hub, new FakeSubscriber(), 'other')
    hub.leave(member)
    hub.leave(member)
    t.strictSame(broker.memberships, ['room', 'other', 'room'])
    t.strictSame([...broker.receiver?.occupied() ?? []], ['other'])
  })

  t.test('drops what waits for a channel that is freed meanwhile', async (t) => {
    const { registry, hub } = createNode(t)
    const leaver = await join(hub)
    await registry.publish('room', 1)
    hub.leave(leaver)
    const member = await join(hub)
    await registry.publish('room', 2)
    await turn()
    t.strictSame([leaver.offsets, member.offsets], [[], [2]])
  })

  t.test('ignores a message of a channel without subscribers', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    hub.leave(await join(hub))
    t.match(await registry.publish('room', 1), { subscribers: 0 })
    t.strictSame(broker.unlistened, ['room'])
  })
})

t.test('Hub.join', async (t) => {
  t.test('counts a subscriber at once and frees it again, also while its log is being read', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    broker.hold()
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'earliest', true)
    t.equal(registry.subscriberCount('room'), 1)
    member.open = false
    hub.leave(member)
    t.strictSame([...registry], [])
    broker.resume()
    await subscribed
    t.match(member, { standings: { length: 0 }, closes: { length: 0 } })
  })

  t.test('waits until the broker delivers before it reads the log', async (t) => {
    const { hub, broker } = createStubbed(t)
    let listen = (): void => undefined
    broker.listening = new Promise((resolve) => { listen = resolve })
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'now', true)
    await turn()
    t.strictSame(broker.reads, [])
    broker.append()
    listen()
    await subscribed
    t.match(member.standings, [{ id: 'e:1' }])
  })

  t.test('replays and goes on live while others publish at full speed', async (t) => {
    const { registry, hub } = createNode(t)
    const members: FakeSubscriber[] = []
    for (let index = 0; index < 500; index++) {
      await registry.publish('room', index)
      if (index % 10 === 0) {
        const member = new FakeSubscriber()
        members.push(member)
        void hub.join('room', member, 'earliest', true)
      }
      if (index % 7 === 0) await turn()
    }
    await eventually(() => members.every(({ ids }) => ids.length === 500))
    for (const { offsets } of members) t.strictSame(offsets, range(1, 500))
  })

  t.test('leads a subscriber with a hole back to the log', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const member = await join(hub)
    await registry.publish('room', 1)
    await turn()
    // Two messages are in the log and never arrive at the node.
    broker.append()
    broker.append()
    await registry.publish('room', 4)
    await eventually(() => member.ids.length === 4)
    t.strictSame(member.offsets, [1, 2, 3, 4])
    await registry.publish('room', 5)
    await turn()
    t.strictSame(member.offsets, range(1, 5))
    t.strictSame(member.closes, [])
  })

  t.test('reads the log once for a hole, whatever is flushed meanwhile', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const member = await join(hub)
    broker.append()
    broker.hold()
    for (let offset = 2; offset <= 5; offset++) {
      await registry.publish('room', offset)
      await turn()
    }
    broker.resume()
    await eventually(() => member.ids.length >= 5)
    await turn()
    t.strictSame(member.offsets, range(1, 5))
  })

  t.test('closes a subscriber with 1013 that cannot be told what it lost', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const [plain, asking] = [new FakeSubscriber(), new FakeSubscriber()]
    plain.events = false
    await hub.join('room', plain, 'now', false)
    await hub.join('room', asking, 'now', true)
    await registry.publish('room', 1)
    await turn()
    broker.lose('f')
    await registry.publish('room', 2)
    await eventually(() => asking.ids.length === 2)
    t.match(plain, { ids: ['e:1'], closes: [{ code: 1013 }] })
    t.match(asking, { ids: ['e:1', 'f:1'], closes: { length: 0 } })
    t.match(asking.standings, [{ id: 'e:0', reason: undefined }, { id: 'f:0', reason: 'epoch' }])
    t.equal(registry.subscriberCount('room'), 1)
  })

  t.test('tells its subscribers that their log was lost, without waiting for a message', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const member = new FakeSubscriber()
    await hub.join('room', member, 'now', true)
    await registry.publish('room', 1)
    await turn()
    broker.lose('f')
    broker.receiver?.moved('nobody', { epoch: 'f', offset: 0 })
    await eventually(() => member.standings.length === 2)
    t.match(member.standings, [{ id: 'e:0' }, { id: 'f:0', reason: 'epoch' }])
    await registry.publish('room', 2)
    await turn()
    t.strictSame(member.ids, ['e:1', 'f:1'])
  })

  t.test('closes a subscriber with 1013 when its log cannot be read', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    broker.listening = Promise.reject(new Error('No log'))
    const member = new FakeSubscriber()
    await hub.join('room', member, 'now', false)
    t.match(member.closes, [{ code: 1013 }])
    t.equal(registry.subscriberCount('room'), 0)
  })

  t.test('closes a subscriber with 1013 that is too slow; the others get everything', async (t) => {
    const { registry, hub } = createNode(t)
    const [slow, other] = [await join(hub), await join(hub)]
    slow.unsentBytes = OPTIONS.maxBufferedBytes + 1
    await registry.publish('room', 1)
    await turn()
    await registry.publish('room', 2)
    await turn()
    t.match(slow, { ids: { length: 0 }, closes: [{ code: 1013 }] })
    t.equal(slow.closes.length, 1)
    t.strictSame(other.offsets, [1, 2])
    t.equal(registry.subscriberCount('room'), 1)
  })
})

t.test('While the engine is away', async (t) => {
  const away = (): Error => new EngineUnavailableError('away')

  t.test('a new subscriber stays, and is served when the engine is back, after one question a channel', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    broker.ready = false
    broker.listening = Promise.reject(away())
    const members = [new FakeSubscriber(), new FakeSubscriber()]
    for (const member of members) await hub.join('room', member, 'earliest', true)
    t.equal(registry.subscriberCount('room'), 2)
    const { listens } = broker
    broker.append()
    broker.listening = Promise.resolve()
    broker.ready = true
    await eventually(() => members.every(({ ids }) => ids.length === 1))
    for (const { standings, closes } of members) t.match({ standings, closes }, { standings: [{ id: 'e:0', reason: undefined }], closes: { length: 0 } })
    t.equal(broker.listens, listens + 1)
    await registry.publish('room', 2)
    await turn()
    for (const { offsets } of members) t.strictSame(offsets, [1, 2])
  })

  t.test('one that was refused does not stand in the way of the next one', async (t) => {
    const { hub, broker } = createStubbed(t)
    broker.listening = Promise.reject(away())
    const first = await join(hub)
    broker.listening = Promise.resolve()
    const second = new FakeSubscriber()
    await hub.join('room', second, 'now', true)
    t.match(second.standings, [{ id: 'e:0' }])
    await eventually(() => first.offset === 0)
  })

  t.test('a replay that breaks off goes on where it was, and says only once where it stands', async (t) => {
    const { hub, broker } = createStubbed(t)
    for (let message = 0; message < 1_500; message++) broker.append()
    const member = new FakeSubscriber()
    member.onWrite = () => { broker.refusal = away() }
    await hub.join('room', member, 'earliest', true)
    t.strictSame(member.offsets, range(1, 1_000))
    member.onWrite = undefined
    broker.refusal = undefined
    await eventually(() => member.ids.length === 1_500)
    t.strictSame(member.offsets, range(1, 1_500))
    t.match(member, { standings: { length: 1 }, closes: { length: 0 } })
  })

  t.test('a subscriber with a hole stays, and gets what is missing afterwards', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const member = await join(hub)
    broker.append()
    broker.refusal = away()
    await registry.publish('room', 2)
    await turn()
    t.strictSame(member.offsets, [])
    broker.refusal = undefined
    await eventually(() => member.ids.length === 2)
    t.strictSame(member.offsets, [1, 2])
  })

  t.test('one that left before it was refused is not kept', async (t) => {
    const { hub, broker } = createStubbed(t)
    broker.refusal = away()
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'now', true)
    hub.leave(member)
    await subscribed
    broker.refusal = undefined
    const { reads: { length } } = broker
    await join(hub, new FakeSubscriber(), 'other')
    t.equal(broker.reads.length, length + 1)
    t.match(member, { standings: { length: 0 }, closes: { length: 0 } })
  })

  t.test('one that leaves is not tried again, and frees its channel', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    broker.ready = false
    broker.refusal = away()
    const [leaver, stayer] = [await join(hub), await join(hub, new FakeSubscriber(), 'other')]
    hub.leave(leaver)
    t.strictSame([...registry], ['other'])
    t.strictSame(broker.unlistened, ['room'])
    broker.refusal = undefined
    const reads = broker.reads.length
    broker.ready = true
    await eventually(() => stayer.offset === 0)
    t.equal(broker.reads.length, reads + 1)
  })
})

t.test('a crowded channel', async (t) => {
  const CROWD = 6_000

  t.test('loses and repeats nothing for subscribers that join and leave while it is being served', async (t) => {
    const { registry, hub } = createNode(t)
    const members: FakeSubscriber[] = []
    const joined: { member: FakeSubscriber, after: number }[] = []
    const left = new Set<FakeSubscriber>()
    let head = 0
    for (let index = 0; index < CROWD; index++) members.push(await join(hub))
    for (const [index, member] of members.entries()) {
      if (index % 500 !== 250) continue
      // In the midst of the walk one joins, and two leave: one that was served and one that was not.
      member.onWrite = () => {
        member.onWrite = undefined
        const late = new FakeSubscriber()
        joined.push({ member: late, after: head })
        void hub.join('room', late, 'now', false)
        for (const leaver of [members[index - 1], members[index + 1]]) {
          if (leaver === undefined) continue
          left.add(leaver)
          hub.leave(leaver)
        }
      }
    }
    for (let round = 0; round < 10; round++) {
      await registry.publish('room', round)
      head++
      // The walk through the crowd takes about 50 turns, so that some messages come during one and some between two.
      for (let turns = 0; turns < 8; turns++) await turn()
    }
    const stayed = (): FakeSubscriber[] => members.filter((member) => !left.has(member))
    await eventually(() => joined.length === CROWD / 500 && stayed().every(({ ids }) => ids.length === 10))
    for (const { offsets } of stayed()) if (offsets.join() !== range(1, 10).join()) t.fail(offsets.join())
    for (const { offsets } of left) if (offsets.join() !== range(1, offsets.length).join()) t.fail(offsets.join())
    await eventually(() => joined.every(({ member }) => member.offset === 10))
    for (const { member, after } of joined) t.strictSame(member.offsets, range(after + 1, 10))
  })

  t.test('does not delay the messages of another one', async (t) => {
    const { registry, hub } = createNode(t)
    const crowd: FakeSubscriber[] = []
    for (let index = 0; index < CROWD * 3; index++) crowd.push(await join(hub, new FakeSubscriber(), 'crowded'))
    const small = await join(hub, new FakeSubscriber(), 'small')
    let servedBefore = -1
    small.onWrite = () => { servedBefore = crowd.filter(({ ids }) => ids.length > 0).length }
    await registry.publish('crowded', 1)
    await registry.publish('small', 1)
    await eventually(() => small.ids.length === 1)
    t.ok(servedBefore >= 0 && servedBefore < crowd.length / 2, `${servedBefore} of ${crowd.length} came first`)
    await eventually(() => crowd.every(({ ids }) => ids.length === 1))
  })
})

t.test('Hub.close', async (t) => {
  t.test('closes every subscriber, refuses messages and lets the broker go', async (t) => {
    const { registry, hub, broker } = createStubbed(t)
    const members = [await join(hub), await join(hub, new FakeSubscriber(), 'other')]
    t.equal(hub.ready, true)
    const closed = hub.close()
    t.equal(hub.ready, false)
    await turn()
    for (const member of members) hub.leave(member)
    await closed
    for (const { closes, terminated } of members) {
      t.match(closes, [{ code: 1012 }])
      t.equal(terminated, false)
    }
    t.equal(await rejection(registry.publish('room', 1)), 'MSG_ERR_CLOSED')
    t.equal(broker.closed, true)
    t.strictSame([...registry], [])
  })

  t.test('first hands over what was published', async (t) => {
    const { registry, hub } = createNode(t)
    const member = await join(hub)
    await registry.publish('room', 1)
    const closed = hub.close(0)
    await closed
    t.strictSame(member.offsets, [1])
  })

  t.test('ends the connections that do not answer in time', async (t) => {
    const { hub } = createNode(t)
    const [answering, deaf] = [await join(hub), await join(hub)]
    const closed = hub.close(50)
    await turn()
    hub.leave(answering)
    await closed
    t.match([answering.terminated, deaf.terminated], [false, true])
  })

  t.test('ends a connection without a channel that does not answer in time', async (t) => {
    const { hub } = createNode(t)
    const [before, meanwhile] = [new FakeSubscriber(), new FakeSubscriber()]
    hub.end(before, 1001, 'idle')
    const closed = hub.close(50)
    hub.end(meanwhile, 4403, 'the last channel was refused')
    await closed
    t.match([before, meanwhile], [
      { closes: [{ code: 1001, reason: 'idle' }], terminated: true },
      { closes: [{ code: 1012, reason: /^retry=\d+$/ }], terminated: true }
    ])
  })

  t.test('has nothing to wait for without subscribers', async (t) => {
    const { hub } = createNode(t)
    await hub.close(60_000)
    t.equal(hub.ready, false)
  })

  t.test('lets a replay that is under way come to its end, as far as the drain allows', async (t) => {
    const { hub, broker } = createStubbed(t)
    for (let message = 0; message < 3; message++) broker.append()
    broker.hold()
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'earliest', true)
    await turn()
    const closed = hub.close(60_000)
    await turn()
    t.strictSame(member.closes, [])
    broker.resume()
    await subscribed
    t.strictSame(member.offsets, [1, 2, 3])
    t.match(member.closes, [{ code: 1012, reason: /^retry=\d+$/ }])
    hub.leave(member)
    await closed
  })

  t.test('closes subscribers that wait for the engine at once', async (t) => {
    const { hub, broker } = createStubbed(t)
    broker.refusal = new EngineUnavailableError('away')
    broker.ready = false
    const member = await join(hub)
    const closed = hub.close(60_000)
    t.match(member.closes, [{ code: 1012, reason: /^retry=\d+$/ }])
    hub.leave(member)
    await closed
  })

  t.test('closes a subscriber whose replay breaks off because the engine is away', async (t) => {
    const { hub, broker } = createStubbed(t)
    for (let message = 0; message < 1_001; message++) broker.append()
    broker.hold()
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'earliest', true)
    await turn()
    const closed = hub.close(60_000)
    broker.refusal = new EngineUnavailableError('away')
    broker.release()
    await subscribed
    t.equal(member.ids.length, 1_000)
    t.match(member.closes, [{ code: 1012, reason: /^retry=\d+$/ }])
    hub.leave(member)
    await closed
  })

  t.test('closes a subscriber with 1013 that has not read acknowledged messages', async (t) => {
    const { registry, hub } = createNode(t)
    const member = await join(hub)
    member.unsentBytes = Infinity
    await registry.publish('room', 1)
    await hub.close(0)
    t.match(member.closes, [{ code: 1013 }])
  })

  t.test('has nothing to say to a subscriber that is gone before its log could be read', async (t) => {
    const { hub, broker } = createStubbed(t)
    broker.listening = Promise.reject(new Error('away'))
    const member = new FakeSubscriber()
    const subscribed = hub.join('room', member, 'now', true)
    hub.leave(member)
    await subscribed
    t.strictSame(member.closes, [])
  })
})
