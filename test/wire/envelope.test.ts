import t from 'tap'
import { timeText, wrap } from '../../src/wire/envelope.js'

t.test('wrap', async (t) => {
  t.test('puts the message between its channel and its id', async (t) => {
    const entry = { message: '{"b":1,"a":2}', epoch: 'k3f9a2', offset: 42 }
    t.strictSame(wrap('room1', entry), { id: 'k3f9a2:42', text: '{"channel":"room1","message":{"b":1,"a":2},"id":"k3f9a2:42"}' })
  })

  t.test('states the time of a message behind it', async (t) => {
    const { text } = wrap('room1', { message: '1', epoch: 'e', offset: 1, time: 1_700_000_000_000 })
    t.equal(text, '{"channel":"room1","message":1,"time":1700000000000,"id":"e:1"}')
  })

  t.test('needs no escaping for any character that a channel name may have', async (t) => {
    const name = 'Az09_.:@=+~-'
    t.strictSame(JSON.parse(wrap(name, { message: '0', epoch: 'e', offset: 1 }).text), { channel: name, message: 0, id: 'e:1' })
  })
})

t.test('timeText', async (t) => {
  t.test('is a member of an object that follows another, in digits alone', async (t) => {
    for (const time of [0, 1, 1_700_000_000_000, 8_640_000_000_000_000]) t.strictSame(JSON.parse(`{"a":1${timeText(time)}}`), { a: 1, time })
  })

  t.test('is empty without a time', async (t) => {
    t.equal(timeText(undefined), '')
  })
})
