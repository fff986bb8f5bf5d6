import { EventEmitter } from 'node:events'
import t from 'tap'
import type { WebSocket } from 'ws'
import { numberedPing } from '../../src/transports/numbered-pings.js'

t.test('numberedPing', async (t) => {
  t.test('is answered by the pong with its number alone, once', async (t) => {
    const socket = new EventEmitter()
    let answers = 0
    const ping = numberedPing(socket as WebSocket, () => { answers++ })
    const payload = ping?.subarray(2) ?? Buffer.alloc(0)
    socket.emit('pong', Buffer.alloc(0))
    socket.emit('pong', Buffer.from([9, 9, 9, 9]))
    t.equal(answers, 0)
    socket.emit('pong', payload)
    socket.emit('pong', payload)
    t.equal(answers, 1)
    t.equal(socket.listenerCount('pong'), 1)
  })

  t.test('is not given while another is unanswered, for a minute', async (t) => {
    const socket = new EventEmitter() as WebSocket
    const first = numberedPing(socket, () => { t.fail('too late') }, 0)
    t.equal(numberedPing(socket, () => {}, 59_999), undefined)
    t.ok(numberedPing(socket, () => {}, 60_000))
    socket.emit('pong', first?.subarray(2) ?? Buffer.alloc(0))
    t.equal(socket.listenerCount('pong'), 1)
  })
})
