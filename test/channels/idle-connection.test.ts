import t from 'tap'
import { Connection } from '../../src/channels/connection.js'
import { closeWhenIdle } from '../../src/channels/idle-connection.js'
import { Outbox } from '../../src/channels/outbox.js'
import { FakeClock } from '../clock.js'
import { FakeSubscriber } from './fake-subscriber.js'

t.test('closeWhenIdle', async (t) => {
  t.test('closes a connection with 1001 that is without a channel for 30 seconds', async (t) => {
    const clock = new FakeClock(t)
    const carrier = new FakeSubscriber()
    const onIdle = closeWhenIdle()
    const connection = new Connection(carrier, { outbox: new Outbox(), address: '127.0.0.1', onEnd: () => {}, onEmpty: () => {} })
    onIdle(connection)
    clock.pass(20_000)
    onIdle(connection)
    clock.pass(20_000)
    t.strictSame(carrier.closes, [], 'it lost its last channel a second time')
    connection.add('room')
    clock.pass(20_000)
    t.strictSame(carrier.closes, [], 'it has a channel')
    connection.delete('room')
    onIdle(connection)
    clock.pass(30_000)
    t.strictSame(carrier.closes, [{ code: 1001, reason: 'idle' }])
  })
})
