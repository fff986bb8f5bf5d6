import t, { type Test } from 'tap'
import { LEAVE_MS, MAX_MEMBERS, type MemberChange, type Roster } from '../../src/brokers/broker.js'
import { MemoryMembers } from '../../src/brokers/memory-members.js'
import { FakeClock } from '../clock.js'

/** The members of one channel on one instance, and what is published of them. */
class Room {
  readonly members: MemoryMembers
  readonly published: string[] = []
  readonly changes: MemberChange[] = []
  readonly #roster = new Map<string, { connections: number }>()

  constructor () {
    this.members = new MemoryMembers({
      roster: (): Roster => this.#roster,
      rosters: () => [['room', this.#roster]],
      memberChanged: (change) => { this.changes.push(change) }
    }, (channel, message) => { this.published.push(`${channel} ${message}`) })
  }

  set (sub: string, connections: number): void {
    if (connections === 0) this.#roster.delete(sub)
    else this.#roster.set(sub, { connections })
    this.members.changed('room', sub)
  }

  async list (): Promise<string[] | undefined> {
    const { members } = await this.members.read('room')
    return members?.map(({ sub, connections }) => `${sub}: ${connections}`)
  }

  /** The members that the messages amount to. */
  get told (): Set<string> {
    const subs = new Set<string>()
    for (const line of this.published) {
      const { join, leave } = JSON.parse(line.slice('room '.length)) as { join?: string, leave?: string }
      if (join !== undefined) subs.add(join)
      if (leave !== undefined) subs.delete(leave)
    }
    return subs
  }
}

function createRoom (t: Test): { room: Room, clock: FakeClock } {
  const clock = new FakeClock(t)
  return { room: new Room(), clock }
}

t.test('MemoryMembers', async (t) => {
  t.test('tells once that a member has joined, however many connections it has', async (t) => {
    const { room } = createRoom(t)
    room.set('7', 1)
    room.set('7', 2)
    room.set('8', 1)
    t.strictSame(room.published, ['room {"join":"7"}', 'room {"join":"8"}'])
    t.strictSame(room.changes, [{ channel: 'room', sub: '7', joined: true }, { channel: 'room', sub: '8', joined: true }])
    t.strictSame(await room.list(), ['7: 2', '8: 1'])
  })

  t.test('tells that a member has left after the grace time, in which it is still listed', async (t) => {
    const { room, clock } = createRoom(t)
    room.set('7', 1)
    room.set('7', 0)
    clock.pass(LEAVE_MS - 1)
    t.strictSame(await room.list(), ['7: 0'])
    t.equal(room.published.length, 1)
    clock.pass(1)
    t.strictSame(room.published, ['room {"join":"7"}', 'room {"leave":"7"}'])
    t.strictSame(await room.list(), [])
    t.equal(room.members.size, 0)
  })

  t.test('tells nothing where it returns within the grace time, which begins anew afterwards', async (t) => {
    const { room, clock } = createRoom(t)
    room.set('7', 1)
    for (let round = 0; round < 3; round++) {
      room.set('7', 0)
      clock.pass(LEAVE_MS - 1)
      room.set('7', 1)
    }
    clock.pass(LEAVE_MS)
    t.equal(room.published.length, 1)
    t.equal(clock.timers, 0)
    room.set('7', 0)
    // Told twice of the same.
    room.set('7', 0)
    clock.pass(LEAVE_MS)
    room.set('7', 1)
    t.strictSame(room.published, ['room {"join":"7"}', 'room {"leave":"7"}', 'room {"join":"7"}'])
  })

  t.test('does not take a subject for a property of objects', async (t) => {
    const { room } = createRoom(t)
    for (const sub of ['__proto__', 'constructor', '"', '\n', ' ']) room.set(sub, 1)
    t.strictSame([...room.told].sort(), ['__proto__', 'constructor', '"', '\n', ' '].sort())
    t.equal((await room.list())?.length, 5)
  })

  t.test('publishes nothing and lists no members above the limit, and publishes the differences below it', async (t) => {
    const { room, clock } = createRoom(t)
    for (let number = 0; number < MAX_MEMBERS; number++) room.set(String(number), 1)
    t.equal(room.published.length, MAX_MEMBERS)
    t.equal((await room.list())?.length, MAX_MEMBERS)
    room.set('above', 1)
    room.set('more', 1)
    room.set('0', 0)
    clock.pass(LEAVE_MS)
    t.equal(room.published.length, MAX_MEMBERS)
    t.strictSame(await room.members.read('room'), { count: MAX_MEMBERS + 1, members: undefined })
    t.equal(room.changes.length, MAX_MEMBERS + 3, 'the events in process go on')
    room.set('1', 0)
    clock.pass(LEAVE_MS)
    t.equal(room.published.length, MAX_MEMBERS + 4)
    const { members = [] } = await room.members.read('room')
    t.strictSame([...room.told].sort(), members.map(({ sub }) => sub))
    t.ok(room.told.has('above') && !room.told.has('0'))
  })

  t.test('keeps no timer once it is closed, and publishes nothing', async (t) => {
    const { room, clock } = createRoom(t)
    room.set('7', 1)
    room.set('7', 0)
    room.members.close()
    t.equal(clock.timers, 0)
    room.set('8', 1)
    t.strictSame(room.published, ['room {"join":"7"}'])
    t.strictSame(await room.list(), [])
  })

  t.test('has no members where presence is off', async (t) => {
    const members = new MemoryMembers(undefined, () => { t.fail('published') })
    members.changed('room', '7')
    t.strictSame(await members.read('room'), { count: 0, members: [] })
  })
})
