import t from 'tap'
import { wrap } from '../../src/wire/envelope.js'

t.test('wrap', async (t) => {
  t.test('puts the message between its channel and its id', async (t) => {
    t.strictSame(wrap('room1', '{"b":1,"a":2}', 'k3f9a2', 42), { id: 'k3f9a2:42', text: '{"channel":"room1","message":{"b":1,"a":2},"id":"k3f9a2:42"}' })
  })

  t.test('needs no escaping for any character that a channel name may have', async (t) => {
    const name = 'Az09_.:@=+~-'
    t.strictSame(JSON.parse(wrap(name, '0', 'e', 1).text), { channel: name, message: 0, id: 'e:1' })
  })
})
