import t from 'tap'
import { FakePage, settle } from './fake-page.js'

t.test('the choice of the transport', async (t) => {
  t.test('tries both for each attempt, and waits only then', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.answer = () => new Response('', { status: 502 })
    page.socket.end()
    await page.pass(0)
    t.equal(page.requests.length, 1)
    t.equal(page.sockets.length, 1)
    await page.pass(500)
    t.equal(page.sockets.length, 2)
    page.socket.end()
    await page.pass(0)
    t.equal(page.requests.length, 2)
    t.strictSame(page.states(), ['connecting', 'waiting', 'connecting', 'waiting'])
  })

  t.test('stays with a WebSocket after a close that only a server can give', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.end(4401, 'MSG_ERR_TOKEN_REFUSED')
    await page.pass(500)
    t.equal(page.sockets.length, 2)
    t.equal(page.requests.length, 0)
  })

  t.test('takes HTTP at once where a WebSocket ends before a word of the service, in whatever way', async (t) => {
    for (const code of [1000, 1001, 1002, 1005, 1006, 1008, 1011, 1013, 3000]) {
      const page = new FakePage(t)
      await page.connect()
      page.socket.end(code, 'Idle timeout')
      await page.pass(0)
      t.ok(page.requests.length > 0, `close ${code}`)
      page.disconnect()
    }
    const page = new FakePage(t)
    await page.connect()
    page.socket.onerror?.(new Event('error'))
    await page.pass(0)
    t.ok(page.requests.length > 0, 'an error without a close')
    t.match(page.take()[0], ['close', 1006])
    page.disconnect()
  })

  t.test('takes HTTP at once where a WebSocket speaks another protocol', async (t) => {
    for (const frame of ['hello', '{}', '{"type":"welcome"}', '[1]']) {
      const page = new FakePage(t)
      await page.connect()
      page.socket.send('')
      page.socket.send(frame)
      t.strictSame(page.take().map(([kind, code]) => kind === 'close' ? code : kind), ['error', 1006])
      await page.pass(0)
      t.ok(page.requests.length > 0, frame)
      page.disconnect()
    }
  })

  t.test('takes HTTP at once where there is no WebSocket or its constructor throws, and says why', async (t) => {
    for (const WebSocket of [undefined, function () { throw new DOMException('not here', 'SecurityError') }]) {
      const page = new FakePage(t)
      t.intercept(globalThis, 'WebSocket', { value: WebSocket, configurable: true, writable: true })
      await t.rejects(page.connect())
      t.match(page.take().find(([kind]) => kind === 'close'), ['close', 1006, /TypeError|SecurityError/, false])
      t.ok(page.requests.length > 0)
      page.disconnect()
    }
  })

  t.test('looks for a WebSocket again when HTTP has worked for a while, less and less often, and when the network is back', async (t) => {
    const page = new FakePage(t)
    const stream = () => new Response(new ReadableStream({
      start (controller) {
        controller.enqueue(new TextEncoder().encode('{"channel":"room","event":"subscribed","id":"e:3","recovered":true,"heartbeat":20000}\n'))
        page.beat = () => { controller.enqueue(new TextEncoder().encode('\n')) }
      }
    }), { headers: { 'content-type': 'application/x-ndjson' } })
    page.answer = stream
    await page.connect()
    const looks: number[] = []
    for (let beats = 0, before = 1; beats < 20; beats++) {
      if (page.sockets.length > before) {
        before = page.sockets.length
        looks.push(beats)
      }
      page.socket.end()
      await page.pass(20_000)
      page.beat()
      await settle()
      await page.pass(0)
    }
    t.strictSame(looks, [2, 6, 13])
    const { length } = page.sockets
    await page.fire('online')
    await page.pass(0)
    t.equal(page.sockets.length, length + 1)
    t.match(page.socket.url, 'since=e%3A3')
    page.socket.subscribed('e:3')
    page.socket.message('e:4')
    t.strictSame(page.take().filter(([kind]) => kind === 'message' || kind === 'gap'), [['message', 'e:4', 'e:4']])
    page.disconnect()
  })

  t.test('does not take one that was excluded', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    page.socket.end()
    await page.pass(100_000)
    t.equal(page.requests.length, 0)
    page.disconnect()
    page.sockets.length = 0
    await t.rejects(page.connect({ transport: 'http' }))
    await page.pass(100_000)
    t.ok(page.requests.length > 3)
    t.equal(page.sockets.length, 0)
  })
})
