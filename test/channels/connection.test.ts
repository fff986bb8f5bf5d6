import t from 'tap'
import { Connection } from '../../src/channels/connection.js'
import { Outbox } from '../../src/channels/outbox.js'
import { refusalOf } from '../../src/channels/refusal.js'
import { ChannelForbiddenError, ClosedError, FullError, RateLimitedError } from '../../src/errors.js'
import type { Refusal } from '../../src/wire/events.js'
import { turn } from '../eventually.js'
import { FakeSubscriber } from './fake-subscriber.js'

/** A connection on a fake carrier, and what became of it. */
class Bench {
  readonly carrier = new FakeSubscriber()
  readonly ended: string[] = []
  readonly emptied: (Refusal | undefined)[] = []
  readonly connection: Connection

  constructor (outbox = new Outbox(), frames?: number) {
    this.connection = new Connection(this.carrier, {
      outbox,
      address: '127.0.0.1',
      onEnd: ({ name }) => { this.ended.push(name) },
      onEmpty: (_connection, refusal) => { this.emptied.push(refusal) }
    }, { frames })
  }
}

t.test('A connection', async (t) => {
  t.test('writes what several channels have in one turn at once, and shares the bytes with connections of the same channels', async (t) => {
    const outbox = new Outbox()
    const [a, b, other] = [new Bench(outbox), new Bench(outbox), new Bench(outbox)]
    const [one, two] = [Buffer.from('e:1\n'), Buffer.from('f:1\n')]
    for (const { connection } of [a, b]) for (const [channel, bytes] of [['x', one], ['y', two]] as const) connection.add(channel).write(bytes)
    other.connection.add('y').write(two)
    t.equal(a.connection.unsentBytes, 8)
    t.equal(a.carrier.writes.length, 0)
    await turn()
    t.strictSame([a, b, other].map(({ carrier }) => carrier.ids), [['e:1', 'f:1'], ['e:1', 'f:1'], ['f:1']])
    t.equal(a.carrier.writes.length, 1)
    t.equal(a.carrier.writes[0], b.carrier.writes[0])
    t.equal(other.carrier.writes[0], two)
    t.equal(a.connection.unsentBytes, 0)
  })

  t.test('counts a message behind a queued one as a small part of a write', async (t) => {
    const { connection, carrier } = new Bench()
    const [x, y] = [connection.add('x'), connection.add('y')]
    t.equal(x.writeCost, 1)
    x.write(Buffer.from('e:1\n'))
    t.ok(y.writeCost < 0.1)
    await turn()
    t.equal(y.writeCost, 1)
    t.equal(carrier.writeCost, 1)
  })

  t.test('sends an event behind the messages that are queued', async (t) => {
    const { connection, carrier } = new Bench()
    connection.add('x').write(Buffer.from('e:1\n'))
    connection.unsubscribe('x')
    t.strictSame(carrier.ids, ['e:1'])
    t.strictSame(carrier.sent, [{ event: 'unsubscribed', channel: 'x' }])
    await turn()
    t.equal(carrier.writes.length, 1)
  })

  t.test('writes nothing of a channel after its end, or of a subscription that was replaced', async (t) => {
    const { connection, carrier, ended } = new Bench()
    const before = connection.add('x')
    const after = connection.add('x')
    t.strictSame(ended, ['x'])
    t.equal(before.isOpen(), false)
    before.write(Buffer.from('e:1\n'))
    before.announce({ channel: 'x', id: 'e:1' })
    after.write(Buffer.from('e:2\n'))
    await turn()
    t.strictSame(carrier.ids, ['e:2'])
    t.strictSame(carrier.standings, [])
    t.equal(connection.delete('y'), false)
    connection.clear()
    t.strictSame(ended, ['x', 'x'])
    t.equal(connection.size, 0)
  })

  t.test('tells of each refusal, and is empty with the first that is not final', async (t) => {
    const { connection, carrier, emptied } = new Bench()
    for (const channel of ['x', 'y', 'z']) connection.add(channel)
    connection.refuse('x', refusalOf(new ChannelForbiddenError('subscribe to', '"x"')))
    await turn()
    t.strictSame(emptied, [])
    connection.refuse('y', refusalOf(new RateLimitedError('too often', 3)))
    connection.refuse('z', refusalOf(new FullError('MAX_SUBSCRIPTIONS')))
    connection.refuse('never asked for', refusalOf(new ClosedError()))
    await turn()
    t.match(carrier.sent, [
      { channel: 'x', event: 'refused', code: 'MSG_ERR_CHANNEL_FORBIDDEN', message: /./, close: 4403 },
      { channel: 'y', event: 'refused', code: 'MSG_ERR_RATE_LIMITED', close: 1013, retry: 3_000 },
      { channel: 'z', event: 'refused', code: 'MSG_ERR_FULL', close: 1013 },
      { channel: 'never asked for', code: 'MSG_ERR_CLOSED', close: 1012 }
    ])
    t.notOk('retry' in (carrier.sent[0] ?? {}))
    t.match(emptied.at(-1), { code: 'MSG_ERR_RATE_LIMITED' })
  })

  t.test('says nothing of being empty once it is closed', async (t) => {
    const { connection, carrier, emptied } = new Bench()
    connection.add('x')
    connection.unsubscribe('x')
    carrier.open = false
    await turn()
    t.strictSame(emptied, [])
  })

  t.test('lets replays take turns: one writes when the connection has taken what the one before has written', async (t) => {
    const { connection, carrier } = new Bench()
    const drains: (() => void)[] = []
    carrier.drained = () => new Promise((resolve) => { drains.push(resolve) })
    const written: string[] = []
    const replay = async (channel: string): Promise<void> => {
      const subscription = connection.add(channel)
      for (let chunk = 1; chunk <= 2; chunk++) {
        await subscription.drained()
        written.push(`${channel}${chunk}`)
      }
    }
    const replays = Promise.all(['x', 'y'].map(replay))
    for (const expected of [['x1'], ['x1', 'y1'], ['x1', 'y1', 'x2'], ['x1', 'y1', 'x2', 'y2']]) {
      await turn()
      t.equal(drains.length, 1, 'one waits for the socket')
      drains.shift()?.()
      await turn()
      t.strictSame(written, expected)
    }
    await replays
  })

  t.test('has one heartbeat, whatever the number of its channels', async (t) => {
    const { connection, carrier } = new Bench()
    const members = ['x', 'y'].map((channel) => connection.add(channel))
    for (const member of members) { member.signal(); member.beat() }
    t.strictSame([carrier.signals, carrier.beats], [1, 0])
    members[0]?.close(1013, 'slow')
    t.strictSame(carrier.closes, [{ code: 1013, reason: 'slow' }])
    members[1]?.terminate()
    t.equal(carrier.terminated, true)
  })

  t.test('announces how many channels a client may have that sends frames', async (t) => {
    const { connection, carrier } = new Bench(new Outbox(), 100)
    connection.add('x').announce({ channel: 'x', id: 'e:1' })
    t.match(carrier.standings, [{ channel: 'x', id: 'e:1', frames: 100 }])
    connection.add('y').send('token', '{"event":"token"}')
    t.match(carrier.sent, [{ event: 'token' }])
  })
})
