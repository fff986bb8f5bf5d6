import t, { type Test } from 'tap'
import { RedisBroker } from '../../../../src/brokers/redis/redis.js'
import { eventually, turn } from '../../../eventually.js'
import { Claimants } from '../../../../src/brokers/redis/members/claimants.js'
import { MemberStore } from '../../../../src/brokers/redis/members/member-store.js'
import { RedisMembers } from '../../../../src/brokers/redis/members/members.js'
import type { Commands } from '../../../../src/brokers/redis/connection/connection.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import { rejection } from '../../../codes.js'
import { TestNode } from '../../test-node.js'
import { type MemberNode, startMemberNode } from '../member-node.js'
import { type NodeOptions, TEST_TIMINGS, uniquePrefix } from '../redis-node.js'
import { startRedis } from '../redis-server.js'

const server = await startRedis(t)

async function startPair (t: Test, options: Partial<NodeOptions> = {}): Promise<[MemberNode, MemberNode]> {
  const shared = { redis: server.url, keyPrefix: uniquePrefix(), ...options }
  return [await startMemberNode(t, shared), await startMemberNode(t, shared)]
}

/** The joins or leaves that instances have reported. A change may be in Redis before the answer to its command has arrived. */
async function reported (what: 'joined' | 'left', ...nodes: MemberNode[]): Promise<string[]> {
  // The answer to a later command of the same connection arrives behind it.
  await Promise.all(nodes.map((node) => node.list()))
  return nodes.flatMap(({ changes }) => changes).filter(({ joined }) => joined === (what === 'joined')).map(({ sub }) => sub).sort()
}

t.test('The members of a channel on two instances', async (t) => {
  t.test('join once, with the connections of both', async (t) => {
    const [a, b] = await startPair(t)
    a.set('7', 1)
    await b.shows('7: 1')
    b.set('7', 2)
    b.set('8', 1)
    await a.shows('7: 3,8: 1')
    t.strictSame(await b.published(), ['{"join":"7"}', '{"join":"8"}'])
    t.strictSame([await reported('joined', a), await reported('joined', b)], [['7'], ['8']])
    t.strictSame([a.changes, b.changes], [[{ channel: 'room', sub: '7', joined: true }], [{ channel: 'room', sub: '8', joined: true }]])
  })

  t.test('leave when the last connection of both has been gone for a while', async (t) => {
    const [a, b] = await startPair(t)
    a.set('7', 1)
    b.set('7', 1)
    await a.shows('7: 2')
    a.set('7', 0)
    await b.shows('7: 1')
    b.set('7', 0)
    await a.shows('7: 0')
    await a.shows('')
    t.strictSame(await a.published(), ['{"join":"7"}', '{"leave":"7"}'])
    t.strictSame(await reported('left', a, b), ['7'])
  })

  t.test('stay when they return to the other one in time', async (t) => {
    const [a, b] = await startPair(t)
    for (let round = 0; round < 4; round++) {
      const [from, to] = round % 2 === 0 ? [a, b] : [b, a]
      from.set('7', 1)
      await to.shows('7: 1')
      from.set('7', 0)
      await to.shows('7: 0')
      to.set('7', 1)
      await from.shows('7: 1')
      to.set('7', 0)
    }
    await a.shows('')
    t.strictSame(await a.published(), ['{"join":"7"}', '{"leave":"7"}'])
  })

  t.test('have names of any characters', async (t) => {
    const [a, b] = await startPair(t)
    const subs = ['"', '\\/', '/', '\n', ' ', '1=2', '-5', 'ü', '🎉', '\u0000', '__proto__', '+']
    for (const sub of subs) a.set(sub, 1)
    await b.shows([...subs].sort().map((sub) => `${sub}: 1`).join())
    t.strictSame((await b.published()).map((text) => (JSON.parse(text) as { join: string }).join), subs)
    b.set('"', 1)
    await a.shows([...subs].sort().map((sub) => `${sub}: ${sub === '"' ? 2 : 1}`).join())
  })

  t.test('leave with the instance that is dead, unless they are on another one, too', async (t) => {
    const [a, b] = await startPair(t)
    a.set('7', 1)
    a.set('8', 1)
    b.set('8', 1)
    a.set('9', 1, 'other')
    await b.shows('7: 1,8: 2')
    await b.shows('9: 1', 'other')
    await a.die()
    await b.shows('8: 1')
    await eventually(async () => (await b.published('other')).length === 2, { message: 'a channel that nobody is interested in' })
    t.strictSame((await b.published()).sort(), ['{"join":"7"}', '{"join":"8"}', '{"leave":"7"}'])
    t.strictSame(await reported('left', b), ['7', '9'])
  })

  t.test('are listed until their leave is published, as a return before that publishes nothing', async (t) => {
    const [a, b] = await startPair(t, { timings: { reportMs: 60_000 } })
    a.set('7', 1)
    await b.shows('7: 1')
    // The instance is dead to the others, none of which has ended its claims yet.
    t.intercept(Claimants.prototype, 'isDead', { value: () => true })
    const { restore } = t.intercept(MemberStore.prototype, 'set', { value: async () => await Promise.reject(new Error('later')) })
    t.equal(await b.list(), '7: 0')
    restore()
    b.set('7', 1)
    await eventually(async () => (await b.list()).startsWith('7: '), { message: 'the return' })
    t.strictSame(await b.published(), ['{"join":"7"}'])
  })

  t.test('leave in time when the instance ends in their grace time', async (t) => {
    const [a, b] = await startPair(t, { timings: { leaveMs: 1_000 } })
    a.set('7', 1)
    await b.shows('7: 1')
    a.set('7', 0)
    await b.shows('7: 0')
    await a.die()
    await eventually(async () => (await b.published()).length === 2, { message: 'the leave' })
  })

  t.test('are found by the next instance when the only one is dead', async (t) => {
    const keyPrefix = uniquePrefix()
    const a = await startMemberNode(t, { redis: server.url, keyPrefix })
    a.set('7', 1)
    await a.shows('7: 1')
    await a.die()
    const b = await startMemberNode(t, { redis: server.url, keyPrefix })
    await eventually(async () => (await b.published()).length === 2, { message: 'the leave' })
    t.equal(await b.list(), '')
    const redis = server.connect(t)
    await eventually(async () => (await redis.keys(`${keyPrefix}{claimants}*`)).length === 0, { message: 'nothing is left' })
  })

  t.test('are only counted above 1,000, and made up for below', async (t) => {
    const [a, b] = await startPair(t)
    for (let number = 0; number < 1_005; number++) a.set(String(number), 1)
    await b.shows('1005')
    const before = (await b.published()).length
    t.ok(before <= 1_000)
    b.set('more', 1)
    await a.shows('1006')
    t.equal((await b.published()).length, before)
    for (let number = 0; number < 10; number++) a.set(String(number), 0)
    await eventually(async () => (await b.broker.members.read('room')).count === 996, { message: '996 members' })
    const subs = new Set<string>()
    const { entries } = await b.broker.read('room~presence', 'earliest')
    for (const { message } of entries) {
      const { join, leave } = JSON.parse(message) as { join?: string, leave?: string }
      if (join !== undefined) subs.add(join)
      if (leave !== undefined) subs.delete(leave)
    }
    t.strictSame([...subs].sort().map((sub) => `${sub}: 1`).join(), await b.list())
  })

  t.test('cause no command where no channel has members', async (t) => {
    const keyPrefix = uniquePrefix()
    const options = { redis: server.url, keyPrefix, size: 1, ttlMs: 1_000, timings: TEST_TIMINGS }
    const node = new TestNode((receiver) => new RedisBroker(receiver, options))
    t.teardown(() => node.broker.close())
    await node.turned(true)
    const redis = server.connect(t)
    await node.join('room')
    node.broker.members.changed('room', '7')
    node.leave('room')
    t.strictSame((await redis.keys(`${keyPrefix}*`)).filter((key) => /claimants|members|told/.test(key)), [])
  })
})

t.test('A restart of Redis', async (t) => {
  for (const appendOnly of [true, false]) {
    t.test(`neither invents nor forgets a member, ${appendOnly ? 'with' : 'without'} its data`, async (t) => {
      const redis = await startRedis(t, { appendOnly })
      const [a, b] = await startPair(t, { redis: redis.url })
      a.set('7', 1)
      b.set('7', 1)
      b.set('8', 2)
      await a.shows('7: 2,8: 2')
      // The answers to what is there have arrived, too.
      await Promise.all([a.list(), b.list()])
      await redis.kill()
      await a.turned(false)
      a.set('9', 1)
      b.set('8', 0)
      b.set('10', 1)
      await redis.start()
      await a.shows('10: 1,7: 2,9: 1')
      const subs = new Set<string>()
      for (const text of await a.published()) {
        const { join, leave } = JSON.parse(text) as { join?: string, leave?: string }
        if (join !== undefined) subs.add(join)
        if (leave !== undefined) subs.delete(leave)
      }
      t.strictSame([...subs].sort(), ['10', '7', '9'])
      t.strictSame(await reported('joined', a, b), ['10', '7', '8', '9'], 'each has joined once')
    })
  }
})

t.test('What becomes of the members in Redis', async (t) => {
  t.test('is repaired by the instances of the members', async (t) => {
    const [a, b] = await startPair(t)
    const redis = server.connect(t)
    a.set('7', 1)
    await b.shows('7: 1')
    const key = `${a.prefix}{room~presence}:members`
    await redis.hset(key, '8', 'ghost=3', '7', 'ghost=1')
    await a.shows('7: 1')
    await b.shows('7: 1')
    await redis.del(key)
    await a.shows('7: 1')
    await redis.hset(key, '7', '-9999999999999')
    await a.shows('7: 1')
    t.strictSame(await reported('joined', a, b), ['7'])
  })

  t.test('is compared now and then by the instances that have members, or subscribers of the companion', async (t) => {
    const [a, b] = await startPair(t, { timings: { auditMs: 50 } })
    const redis = server.connect(t)
    const key = `${a.prefix}{room~presence}:members`
    a.set('7', 1)
    await b.shows('7: 1')
    await redis.del(key)
    await eventually(async () => await redis.hexists(key, '7') === 1, { message: 'it is claimed' })
    await b.join('room~presence')
    await redis.hset(key, '8', 'ghost=1')
    await eventually(async () => await redis.hexists(key, '8') === 0, { message: 'the claim of an unknown instance is gone' })
  })

  t.test('is compared again after a comparison that failed for an unforeseen reason, which is logged', async (t) => {
    const [a] = await startPair(t, { timings: { auditMs: 20 } })
    a.rosters = () => { throw new Error('unforeseen') }
    await eventually(() => a.lines.length >= 2, { message: 'two lines' })
    for (const line of a.lines) t.match(line, /^error: Redis cannot be audited: Error: unforeseen\n +at /)
  })

  t.test('is claimed anew by an instance that was suspended, also while it claims', async (t) => {
    const [a, b] = await startPair(t)
    const members = a.broker.members as RedisMembers
    members.renew()
    t.equal(members.claimant, undefined, 'there is nobody to claim')
    a.set('7', 1)
    members.spared(true)
    a.set('8', 1)
    await b.shows('7: 1,8: 1')
    const { claimant } = members
    members.spared(true)
    t.not(members.claimant, claimant)
    a.set('8', 0)
    await b.shows('7: 1')
    t.strictSame((await b.published()).sort(), ['{"join":"7"}', '{"join":"8"}', '{"leave":"8"}'])
  })

  t.test('is logged once when Redis refuses it, and made up for', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = await startPair(t, { redis: redis.url })
    const client = redis.connect(t)
    await client.call('ACL', 'SETUSER', 'default', '-sadd')
    a.set('7', 1)
    await eventually(() => a.lines.length > 0, { message: 'a line' })
    t.match(a.lines, [/^error: Members cannot be kept in Redis: NOPERM/])
    t.equal(await b.list(), '')
    await client.call('ACL', 'SETUSER', 'default', '+sadd')
    await b.shows('7: 1')
    t.equal(a.lines.length, 1)
    await a.die()
    await client.set(`${a.prefix}{room~presence}:members`, 'nonsense')
    await eventually(() => b.lines.some((line) => line.includes('WRONGTYPE')), { message: 'the sweep is refused' })
    t.equal(await rejection(b.list()), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await client.del(`${a.prefix}{room~presence}:members`)
    await eventually(async () => (await client.keys('*{claimants}*')).length === 0, { message: 'nothing is left' })
  })

  t.test('is not taken for that of a dead instance when Redis was away for long', async (t) => {
    const redis = await startRedis(t, { appendOnly: true })
    const [a, b] = await startPair(t, { redis: redis.url, timings: { nodeTtlMs: 300, reportMs: 20 } })
    a.set('7', 1)
    b.set('8', 1)
    await a.shows('7: 1,8: 1')
    await redis.kill()
    await Promise.all([a.turned(false), b.turned(false)])
    const until = performance.now() + 600
    await eventually(() => performance.now() > until, { message: 'longer than a silent instance may live' })
    await redis.start()
    await Promise.all([a.shows('7: 1,8: 1'), b.shows('7: 1,8: 1')])
    t.strictSame((await a.published()).sort(), ['{"join":"7"}', '{"join":"8"}'])
    t.strictSame(await reported('left', a, b), [])
  })

  t.test('is unknown while Redis is away', async (t) => {
    const redis = await startRedis(t)
    const [a] = await startPair(t, { redis: redis.url })
    await redis.kill()
    await a.turned(false)
    t.equal(await rejection(a.list()), 'MSG_ERR_ENGINE_UNAVAILABLE')
  })

  t.test('is not judged by a silence in which Redis was away', async (t) => {
    const store = {
      list: async () => await Promise.resolve({ count: 1, members: [{ sub: '7', claims: new Map([['other', 1]]) }] })
    } as unknown as MemberStore
    const receiver = { roster: () => new Map(), rosters: () => [], memberChanged: () => {} }
    const members = new RedisMembers({
      store, receiver, occupied: () => [], timings: { nodeTtlMs: 20, reportMs: 5 }, ready: () => false, onError: (text) => { t.fail(text) }
    })
    t.teardown(() => { members.close() })
    members.heard('other')
    const until = performance.now() + 30
    await eventually(() => performance.now() > until, { message: 'longer than a silent instance may live' })
    t.strictSame(await members.read('room'), { count: 1, members: [{ sub: '7', connections: 0 }] })
    members.renew()
    t.strictSame(await members.read('room'), { count: 1, members: [{ sub: '7', connections: 1 }] })
  })

  t.test('is logged with its stack when the reason is unforeseen, once, and not while Redis is away', async (t) => {
    const lines: string[] = []
    let notes = 0
    let ready = true
    let reason = new Error('unforeseen')
    const note = async (): Promise<never> => {
      notes++
      return await Promise.reject(reason)
    }
    const store = { note } as unknown as MemberStore
    const receiver = { roster: () => new Map([['7', { connections: 1 }]]), rosters: () => [], memberChanged: () => {} }
    const timings = { nodeTtlMs: 1_000, reportMs: 1_000 }
    const onError = (text: string): void => { lines.push(text) }
    const members = new RedisMembers({ store, receiver, occupied: () => [], timings, ready: () => ready, onError })
    t.teardown(() => { members.close() })
    members.changed('room', '7')
    await eventually(() => lines.length > 0, { message: 'a line' })
    members.changed('room', '7')
    await eventually(() => notes === 2, { message: 'another attempt' })
    await turn()
    reason = new Error('another')
    members.changed('room', '7')
    ready = false
    await eventually(() => notes === 3, { message: 'an attempt that Redis does not answer' })
    await turn()
    t.match(lines, [/^Members cannot be kept in Redis: Error: unforeseen\n +at /])
  })

  t.test('is refused where an answer is not one of a script', async (t) => {
    const store = new MemberStore({ client: {} as Commands }, { run: async () => await Promise.resolve('nonsense') }, new Names('m:', 0), 1)
    t.equal(await rejection(store.list('room')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.equal(await rejection(store.set('room', { own: ['a'], roster: new Map() })), 'MSG_ERR_ENGINE_UNAVAILABLE')
  })
})
