import t from 'tap'
import { ChannelEmitter } from '../../src/channels/channel-emitter.js'
import { Channel } from '../../src/channels/channel.js'
import { Traffic } from '../../src/metrics/traffic.js'
import { Presence } from '../../src/channels/presence.js'
import { FakeSubscriber } from './fake-subscriber.js'

const RULES = { anyMembers: true, hasMembers: (channel: string) => channel === 'room' }

function createPresence (): { presence: Presence, changes: string[], join: (channel?: string) => FakeSubscriber } {
  const changes: string[] = []
  const presence = new Presence(RULES, new ChannelEmitter((error) => { t.error(error) }))
  presence.attach({
    members: {
      changed: (channel, sub) => { changes.push(`${channel} ${sub}: ${presence.roster(channel).get(sub)?.connections ?? 0}`) },
      read: async () => await Promise.resolve({ count: 0, members: [] })
    }
  })
  const join = (channel = 'room'): FakeSubscriber => {
    const subscriber = new FakeSubscriber()
    subscriber.channel = new Channel(channel, { onSlow: () => {}, onHole: () => {} }, { maxBufferedBytes: 1_000, traffic: new Traffic() })
    return subscriber
  }
  return { presence, changes, join }
}

t.test('Presence', async (t) => {
  t.test('counts the connections of each subject', async (t) => {
    const { presence, changes, join } = createPresence()
    const [one, two, other] = [join(), join(), join()]
    presence.identify(one, '7')
    presence.identify(two, '7')
    presence.identify(other, '8')
    presence.left('room', one)
    presence.left('room', one)
    presence.left('room', other)
    t.strictSame(changes, ['room 7: 1', 'room 7: 2', 'room 8: 1', 'room 7: 1', 'room 8: 0'])
    t.strictSame([...presence.rosters()].map(([channel, roster]) => [channel, [...roster.keys()]]), [['room', ['7']]])
    presence.left('room', two)
    t.strictSame([...presence.rosters()], [])
  })

  t.test('follows a subject that changes, and takes none for anonymous', async (t) => {
    const { presence, changes, join } = createPresence()
    const subscriber = join()
    for (const subject of [undefined, '', '7', '7', '8', undefined, undefined]) presence.identify(subscriber, subject)
    t.strictSame(changes, ['room 7: 1', 'room 7: 0', 'room 8: 1', 'room 8: 0'])
  })

  t.test('writes a subject as UTF-8 can', async (t) => {
    const { presence, changes, join } = createPresence()
    const subscriber = join()
    presence.identify(subscriber, 'a\ud800')
    presence.identify(subscriber, 'a\ud800')
    t.strictSame(changes, ['room a\ufffd: 1'])
  })

  t.test('ignores subscribers of other channels, and those that have left already', async (t) => {
    const { presence, changes, join } = createPresence()
    presence.identify(join('news'), '7')
    presence.identify(new FakeSubscriber(), '7')
    presence.left('room', join())
    t.strictSame(changes, [])
  })
})
