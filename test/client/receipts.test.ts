import t from 'tap'
import './fake-document.js'
import { connectToChannel, type Meta, type Options } from '../../src/client/index.js'
import { FakePage } from './fake-page.js'

/** A page with one subscription, and what its callback was given. */
async function subscribe (
  page: FakePage, onMessage: (message: unknown, meta: Meta) => unknown, options: Options = {}
): Promise<() => void> {
  const disconnect = connectToChannel('room', (message, meta) => { void onMessage(message, meta) }, options)
  await page.pass(0)
  return disconnect
}

const wanted = (offset: number) => ({ channel: 'room', message: offset, id: `e:${offset}`, receipt: true })

t.test('a receipt', async (t) => {
  t.test('is sent for each message that asks for one, after the callback has returned', async (t) => {
    const page = new FakePage(t)
    const before: number[] = []
    t.teardown(await subscribe(page, () => { before.push(page.socket.frames.length) }))
    page.socket.subscribed('e:0', { frames: 100 })
    page.socket.send(wanted(1))
    page.socket.message('e:2')
    page.socket.send(wanted(3))
    t.strictSame(page.socket.frames, [{ ack: 'e:1', channel: 'room' }, { ack: 'e:3', channel: 'room' }])
    t.strictSame(before, [0, 1, 1])
  })

  t.test('does not wait for a promise', async (t) => {
    const page = new FakePage(t)
    t.teardown(await subscribe(page, () => new Promise(() => undefined)))
    page.socket.subscribed('e:0', { frames: 100 })
    page.socket.send(wanted(1))
    t.equal(page.socket.frames.length, 1)
  })

  t.test('is not sent when the callback throws, nor for a message that came before', async (t) => {
    const page = new FakePage(t)
    t.teardown(await subscribe(page, (message) => { if (message === 1) throw new Error('not today') }))
    page.socket.subscribed('e:0', { frames: 100 })
    for (const offset of [1, 2, 2]) page.socket.send(wanted(offset))
    t.strictSame(page.socket.frames, [{ ack: 'e:2', channel: 'room' }])
    t.match(page.logged, [{ message: 'not today' }])
  })

  t.test('is not sent to a server that takes no frames, nor for a subscription that has ended', async (t) => {
    const page = new FakePage(t)
    const disconnect = await subscribe(page, () => undefined)
    page.socket.subscribed('e:0')
    page.socket.send(wanted(1))
    t.strictSame(page.socket.frames, [])
    disconnect()
    const ends = await subscribe(page, () => { ends() })
    t.teardown(await subscribe(page, () => undefined, { share: false }))
    const [, socket] = page.sockets
    socket?.subscribed('e:0', { frames: 100 })
    socket?.send(wanted(1))
    socket?.send(wanted(2))
    t.strictSame(socket?.frames, [], 'the callback has closed the connection')
  })
})

t.test('what is known about a message', async (t) => {
  t.test('is its id, its channel and the time at which the service took it', async (t) => {
    const page = new FakePage(t)
    const metas: Meta[] = []
    t.teardown(await subscribe(page, (_message, meta) => { metas.push(meta) }))
    page.socket.subscribed('e:0')
    page.socket.send({ channel: 'room', message: 1, time: 1_700_000_000_000, id: 'e:1' })
    page.socket.message('e:2')
    t.strictSame(metas, [{ id: 'e:1', channel: 'room', time: 1_700_000_000_000 }, { id: 'e:2', channel: 'room', time: undefined }])
  })
})
