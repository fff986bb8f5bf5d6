import t from 'tap'
import { FakePage } from './fake-page.js'

t.test('the position', async (t) => {
  t.test('is that of the subscribed event, so that an idle channel resumes too', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:7')
    page.socket.end(1012)
    await page.pass(500)
    t.equal(page.socket.url, 'wss://page.example/room?since=e%3A7&heartbeat&frames')
    t.strictSame(page.take(), [['open'], ['close', 1012, '', false]])
  })

  t.test('moves with messages and not with heartbeats', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:7')
    page.socket.message('e:8', { n: 1 })
    page.socket.send('')
    page.socket.send({ channel: 'room', event: 'heartbeat', id: 'e:99' })
    page.socket.end(1012)
    await page.pass(500)
    t.equal(page.socket.url, 'wss://page.example/room?since=e%3A8&heartbeat&frames')
    t.strictSame(page.take(), [['open'], ['message', { n: 1 }, 'e:8'], ['close', 1012, '', false]])
  })

  t.test('is kept as given while the server has not said where it stands', async (t) => {
    const page = new FakePage(t)
    await page.connect({ since: 'earliest', transport: 'websocket' })
    page.socket.end()
    await page.pass(500)
    t.equal(page.socket.url, 'wss://page.example/room?since=earliest&heartbeat&frames')
    page.socket.subscribed('e:0')
    page.socket.message('e:1')
    t.strictSame(page.take().slice(1), [['open'], ['message', 'e:1', 'e:1']])
  })
})

t.test('messages', async (t) => {
  t.test('that were seen before are dropped', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.socket.message('e:1')
    page.socket.message('e:2')
    page.socket.end(1012)
    await page.pass(500)
    page.socket.subscribed('e:0')
    for (const id of ['e:1', 'e:2', 'e:3', 'e:3']) page.socket.message(id)
    t.strictSame(page.take().filter(([kind]) => kind === 'message' || kind === 'gap').map(([, , id]) => id), ['e:1', 'e:2', 'e:3'])
  })

  t.test('compare by number, not by text', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:9')
    page.socket.message('e:10')
    page.socket.message('e:9')
    page.socket.message('e:11')
    t.strictSame(page.take().slice(1), [['message', 'e:10', 'e:10'], ['message', 'e:11', 'e:11']])
  })

  t.test('of any JSON value are handed over', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    const values = [0, false, [], {}, 'x', { event: 'subscribed', id: 'z:9' }, '\u2028😀']
    values.forEach((value, index) => { page.socket.message(`e:${index + 1}`, value) })
    t.strictSame(page.take(), [['open'], ...values.map((value, index) => ['message', value, `e:${index + 1}`])])
  })

  t.test('carry their channel and id', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.disconnect()
    const metas: unknown[] = []
    const { connectToChannel } = await import('../../src/client/index.js')
    connectToChannel('room', (_message, meta) => metas.push(meta))
    await page.pass(0)
    page.socket.message('e:1')
    t.strictSame(metas, [{ id: 'e:1', channel: 'room', time: undefined }])
  })
})

t.test('a gap', async (t) => {
  t.test('that the server names is announced before what is still kept', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:5')
    page.socket.end(1012)
    await page.pass(500)
    page.take()
    page.socket.subscribed('e:39', { recovered: false, reason: 'expired' })
    page.socket.message('e:40')
    page.socket.subscribed('f:0', { recovered: false, reason: 'epoch' })
    page.socket.message('f:1')
    t.strictSame(page.take(), [['open'], ['gap', 'expired'], ['message', 'e:40', 'e:40'], ['gap', 'epoch'], ['message', 'f:1', 'f:1']])
  })

  t.test('is announced when the log of the same epoch is shorter than the position', async (t) => {
    const page = new FakePage(t)
    await page.connect({ since: 'e:9' })
    page.socket.subscribed('e:2', { recovered: false, reason: 'expired' })
    page.socket.message('e:3')
    t.strictSame(page.take(), [['open'], ['gap', 'expired'], ['message', 'e:3', 'e:3']])
  })

  t.test('cannot come before the first connection, unless since was given', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:5', { recovered: false })
    t.strictSame(page.take(), [['open']])
    page.disconnect()
    await page.connect({ since: 'earliest' })
    page.socket.subscribed('e:5', { recovered: false })
    t.strictSame(page.take(), [['open'], ['gap', 'missed']])
  })

  t.test('is announced when an id is not the successor of the last', async (t) => {
    const page = new FakePage(t)
    await page.connect({ since: 'e:1' })
    page.socket.subscribed('e:1')
    page.socket.message('e:3')
    page.socket.message('e:4')
    page.socket.message('f:1')
    page.socket.message('f:2')
    page.socket.subscribed('f:3')
    page.socket.message('f:4')
    t.strictSame(page.take(), [
      ['open'],
      ['gap', 'missed'], ['message', 'e:3', 'e:3'], ['message', 'e:4', 'e:4'],
      ['gap', 'missed'], ['message', 'f:1', 'f:1'], ['message', 'f:2', 'f:2'],
      ['gap', 'missed'], ['message', 'f:4', 'f:4']
    ])
  })
})

t.test('what is not a message', async (t) => {
  t.test('is reported and breaks nothing', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.take()
    const malformed = ['{', 'null', '7', '"x"', '[]', '{}', '{"id":7,"message":1}', '{"id":"e","message":1}', '{"id":":1","message":1}', '{"id":"e:-1","message":1}']
    for (const frame of malformed) page.socket.send(frame)
    page.socket.onmessage?.({ data: new ArrayBuffer(2) })
    t.strictSame(page.take().map(([kind]) => kind), Array(malformed.length + 1).fill('error'))
    page.socket.message('e:1')
    t.strictSame(page.take(), [['message', 'e:1', 'e:1']])
  })

  t.test('is ignored when it is an event of a later version', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.socket.send({ channel: 'room', event: 'presence', id: 'e:5' })
    page.socket.message('e:1')
    t.strictSame(page.take(), [['open'], ['message', 'e:1', 'e:1']])
  })
})

t.test('a callback that throws', async (t) => {
  t.test('is logged; reception goes on after the same message', async (t) => {
    const page = new FakePage(t)
    const { connectToChannel } = await import('../../src/client/index.js')
    const fail = (what: string) => () => { throw new Error(what) }
    const disconnect = connectToChannel('room', fail('onMessage'), {
      since: 'e:1', transport: 'websocket', onOpen: fail('onOpen'), onClose: fail('onClose'), onError: fail('onError'), onGap: fail('onGap'), onState: fail('onState')
    })
    await page.pass(0)
    page.socket.subscribed('e:3', { recovered: false, reason: 'expired' })
    page.socket.message('e:4')
    page.socket.send('{')
    page.socket.end(1012)
    await page.pass(500)
    t.equal(page.socket.url, 'wss://page.example/room?since=e%3A4&heartbeat&frames')
    t.strictSame(page.logged.map((error) => (error as Error).message),
      ['onState', 'onState', 'onOpen', 'onGap', 'onMessage', 'onError', 'onClose', 'onState', 'onState'])
    disconnect()
  })
})
