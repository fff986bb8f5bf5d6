import t from 'tap'
import type { Broker, MemberList } from '../../src/brokers/broker.js'
import { Directory } from '../../src/channels/directory.js'
import { ChannelNames } from '../../src/channels/name.js'
import { rejection } from '../codes.js'

const RULES = { anyMembers: true, hasMembers: (channel: string) => channel.startsWith('chat:') && !channel.includes('~') }

/** A directory over channels, each with as many subscribers as its name has characters. */
function createDirectory (channels: readonly string[], list: MemberList = { count: 0, members: [] }, steps: string[] = []): Directory {
  const broker: Pick<Broker, 'occupied' | 'count' | 'read' | 'members'> = {
    occupied: () => channels,
    count: (channel) => channel.length,
    read: async (channel) => {
      steps.push(`position of ${channel}`)
      return await Promise.resolve({ epoch: 'e', head: 7, after: 7, entries: [] })
    },
    members: {
      changed: () => {},
      read: async (channel) => {
        steps.push(`members of ${channel}`)
        return await Promise.resolve(list)
      }
    }
  }
  return new Directory({ names: new ChannelNames(new Set(['client.js']), RULES), rules: RULES, broker })
}

t.test('Directory.list', async (t) => {
  t.test('has the first channels in the order of their names', async (t) => {
    const names = Array.from({ length: 500 }, (_, index) => `c${(index * 367) % 500}`)
    const directory = createDirectory(names)
    const sorted = [...names].sort()
    for (const limit of [1, 2, 99, 499, 500, 1_000]) {
      const { channels, more } = await directory.list({ limit })
      t.strictSame(channels, sorted.slice(0, limit).map((channel) => ({ channel, subscribers: channel.length })), String(limit))
      t.equal(more, limit < 500)
    }
    t.equal((await directory.list()).channels.length, 100)
    t.equal((await directory.list(null)).channels.length, 100)
    t.strictSame((await directory.list({ prefix: 'c49' })).channels.map(({ channel }) => channel), sorted.filter((name) => name.startsWith('c49')))
    t.strictSame(await directory.list({ prefix: 'x' }), { channels: [], more: false })
    t.strictSame(await createDirectory([]).list(), { channels: [], more: false })
  })

  t.test('refuses other limits and prefixes', async (t) => {
    for (const limit of [0, -1, 1.5, 1_001, NaN, Infinity, '5', {}]) {
      t.equal(await rejection(createDirectory([]).list({ limit: limit as number })), 'MSG_ERR_QUERY_INVALID', JSON.stringify(limit))
    }
    for (const prefix of [7, {}, null]) t.equal(await rejection(createDirectory([]).list({ prefix: prefix as unknown as string })), 'MSG_ERR_QUERY_INVALID')
  })
})

t.test('Directory.members', async (t) => {
  t.test('has the position of the channel, taken before its members', async (t) => {
    const steps: string[] = []
    const members = [{ sub: '7', connections: 2 }]
    const directory = createDirectory([], { count: 1, members }, steps)
    t.strictSame(await directory.members('chat:1'), { channel: 'chat:1', subscribers: 6, members, id: 'e:7' })
    t.strictSame(steps, ['position of chat:1', 'members of chat:1'])
  })

  t.test('has no members where presence is off, and only the number of too many', async (t) => {
    const directory = createDirectory([], { count: 1_001, members: undefined })
    t.strictSame(await directory.members('room'), { channel: 'room', subscribers: 4, members: [], id: 'e:7' })
    t.strictSame(await directory.members('chat:1'), { channel: 'chat:1', subscribers: 6, count: 1_001, id: 'e:7' })
    t.strictSame(await directory.members('chat:1~presence'), { channel: 'chat:1~presence', subscribers: 15, members: [], id: 'e:7' })
  })

  t.test('refuses what cannot be a channel', async (t) => {
    const directory = createDirectory([])
    for (const name of ['', 'a b', 7, null]) t.equal(await rejection(directory.members(name as string)), 'MSG_ERR_CHANNEL_INVALID')
    for (const name of ['client.js', 'room~presence', 'chat:1~presence~presence']) t.equal(await rejection(directory.members(name)), 'MSG_ERR_CHANNEL_RESERVED', name)
  })
})

t.test('Directory.companion', async (t) => {
  t.test('has the position of the companion, taken before the members of its channel', async (t) => {
    const steps: string[] = []
    const directory = createDirectory([], { count: 0, members: [] }, steps)
    t.strictSame(await directory.companion('chat:1~presence'), { channel: 'chat:1~presence', members: [], id: 'e:7' })
    t.strictSame(steps, ['position of chat:1~presence', 'members of chat:1'])
  })
})
