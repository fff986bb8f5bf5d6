import t from 'tap'
import { Channel } from '../../src/channels/channel.js'
import { FanOut } from '../../src/channels/fan-out.js'
import { eventually, turn } from '../eventually.js'
import { Traffic } from '../../src/metrics/traffic.js'
import { FakeSubscriber } from './fake-subscriber.js'

const CROWD = 20_000

const unexpected = {
  onSlow (): void { throw new Error('too slow') },
  onHole (): void { throw new Error('a hole') }
}

/** A channel with members that stand at the beginning of its log. */
function crowd (
  name: string, size: number
): { channel: Channel, members: FakeSubscriber[], deliver: (offset: number) => void, served: () => number } {
  const channel = new Channel(name, unexpected, { maxBufferedBytes: Infinity, traffic: new Traffic() })
  const members = Array.from({ length: size }, () => new FakeSubscriber())
  for (const member of members) {
    member.epoch = 'e'
    member.offset = 0
    channel.subscribers.add(member)
  }
  return {
    channel,
    members,
    deliver: (offset) => { channel.deliver({ epoch: 'e', offset, message: '0' }) },
    served: () => members.filter(({ ids }) => ids.length > 0).length
  }
}

t.test('FanOut', async (t) => {
  t.test('flushes on the next turn, once for all that a channel got in this one', async (t) => {
    const fanOut = new FanOut()
    const room = crowd('room', 2)
    for (let offset = 1; offset <= 5; offset++) {
      room.deliver(offset)
      fanOut.schedule(room.channel)
    }
    t.equal(room.served(), 0)
    await turn()
    for (const member of room.members) t.match(member, { writes: { length: 1 }, offsets: [1, 2, 3, 4, 5] })
  })

  t.test('serves a crowded channel in slices and lets the event loop have its turn in between', async (t) => {
    const fanOut = new FanOut()
    const room = crowd('room', CROWD)
    room.deliver(1)
    fanOut.schedule(room.channel)
    const progress: number[] = []
    await eventually(() => {
      const served = room.served()
      progress.push(served)
      return served === CROWD
    }, { everyTurn: true, message: () => `all ${CROWD} members served, after ${progress.length} turns ${progress.at(-1)}` })
    t.ok(progress.length > 100, `${progress.length - 1} turns`)
    t.strictSame(progress, [...new Set(progress)].sort((one, other) => one - other))
    for (const member of room.members) if (member.offsets.join() !== '1') t.fail(member.offsets.join())
  })

  t.test('sends all that a crowded channel got while it was served in one write', async (t) => {
    const fanOut = new FanOut()
    const room = crowd('room', 1_000)
    room.deliver(1)
    fanOut.schedule(room.channel)
    for (let offset = 2; offset <= 4; offset++) {
      await turn()
      t.ok(room.channel.pending, 'the crowd is still being served')
      room.deliver(offset)
      fanOut.schedule(room.channel)
    }
    await eventually(() => !room.channel.pending)
    for (const member of room.members) if (member.writes.length !== 2 || member.offsets.join() !== '1,2,3,4') t.fail(`${member.writes.length} writes: ${member.offsets.join()}`)
  })

  t.test('does not let a crowded channel delay another one', async (t) => {
    const fanOut = new FanOut()
    const [crowded, small] = [crowd('crowded', CROWD), crowd('small', 1)]
    crowded.deliver(1)
    fanOut.schedule(crowded.channel)
    small.deliver(1)
    fanOut.schedule(small.channel)
    await eventually(() => small.served() > 0, { everyTurn: true })
    t.ok(crowded.served() < CROWD / 2, `${crowded.served()} of the crowd came first`)
    // Messages that come while the crowd is being served do not wait for it either.
    small.deliver(2)
    fanOut.schedule(small.channel)
    await eventually(() => small.members[0]?.ids.length === 2, { everyTurn: true })
    t.ok(crowded.served() < CROWD, 'the crowd is still being served')
    await eventually(() => crowded.served() === CROWD)
  })

  t.test('keeps the order of a crowded channel that gets messages all the time', async (t) => {
    const fanOut = new FanOut()
    const room = crowd('room', CROWD)
    for (let offset = 1; offset <= 10; offset++) {
      room.deliver(offset)
      fanOut.schedule(room.channel)
      await turn()
    }
    await eventually(() => !room.channel.pending)
    const expected = '1,2,3,4,5,6,7,8,9,10'
    for (const member of room.members) if (member.offsets.join() !== expected) t.fail(member.offsets.join())
    t.pass(`${CROWD} members`)
  })

  t.test('shares a turn among very many channels', async (t) => {
    const fanOut = new FanOut()
    const rooms = Array.from({ length: 10_000 }, (_, index) => crowd(`room${index}`, 1))
    for (const room of rooms) {
      room.deliver(1)
      fanOut.schedule(room.channel)
    }
    await turn()
    const first = rooms.filter(({ served }) => served() === 1).length
    t.ok(first > 0 && first < rooms.length, `${first} channels in the first turn`)
    await eventually(() => rooms.every(({ channel }) => !channel.pending))
    t.ok(rooms.every(({ members }) => members[0]?.offsets.join() === '1'))
  })
})
