import t from 'tap'
import { fakeDocument } from './fake-document.js'
import { FakePage } from './fake-page.js'

t.test('reconnecting', async (t) => {
  t.test('waits a random part of a limit that doubles from 1 s up to 30 s', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    const limits: number[] = []
    for (let failure = 0; failure < 8; failure++) {
      page.random = failure % 2 ? 0.25 : 0.75
      page.socket.end()
      limits.push(page.next / page.random)
      await page.pass(page.next)
    }
    t.strictSame(limits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    t.equal(page.sockets.length, 9)
  })

  t.test('begins again at 1 s after a connection that lasted, not after one that was only accepted', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    const waits: number[] = []
    const cut = async () => {
      page.socket.end()
      waits.push(page.next)
      await page.pass(page.next)
    }
    await cut()
    await cut()
    page.socket.subscribed('e:0')
    await cut()
    page.socket.subscribed('e:0')
    page.socket.message('e:1')
    await cut()
    page.socket.subscribed('e:1')
    await cut()
    page.socket.subscribed('e:1')
    page.socket.send('')
    await cut()
    t.strictSame(waits, [500, 1000, 2000, 500, 1000, 500])
  })

  t.test('happens at once when the token of a connection that worked has run out, and backs off from one that ends right away', async (t) => {
    const page = new FakePage(t)
    await page.connect({ token: () => 'fresh' })
    const waits: number[] = []
    for (const lasted of [2_000, 2_000, 500, 500, 500, 2_000]) {
      page.socket.subscribed('e:0')
      await page.pass(lasted)
      page.socket.end(4401, 'MSG_ERR_TOKEN_EXPIRED')
      waits.push(page.next)
      await page.pass(page.next)
    }
    t.strictSame(waits, [0, 0, 500, 1000, 2000, 0])
    page.socket.end(4401, 'MSG_ERR_TOKEN_REFUSED')
    t.equal(page.next, 500, 'a token that never worked is not asked for again at once')
  })

  t.test('takes place within the window that the server names', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.socket.end(1012, 'restart retry=60000')
    t.equal(page.next, 30_000)
  })

  t.test('does not come back faster than the backoff for the sake of a window, while it never got in', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    const waits: number[] = []
    for (const reason of ['retry=100', 'retry=100', 'retry=9000', 'retry=99999999999', 'retry=x']) {
      page.socket.end(1013, reason)
      waits.push(page.next)
      await page.pass(page.next)
    }
    t.strictSame(waits, [500, 1000, 4500, 49_999_999.5, 8000])
  })

  t.test('stops for good at a final close', async (t) => {
    for (const code of [1008, 4403]) {
      const page = new FakePage(t)
      await page.connect()
      page.socket.end(code, 'MSG_ERR_SOMETHING')
      t.strictSame(page.told.slice(-2), [['close', code, 'MSG_ERR_SOMETHING', true], ['state', 'closed']])
      await page.fire('online')
      await page.pass(3_600_000)
      t.equal(page.sockets.length, 1)
      t.equal(page.timers.size, 0)
      page.disconnect()
    }
  })

  t.test('stops at a final close of a connection that has spoken, whatever the reason', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.socket.end(1008, 'too much')
    t.strictSame(page.take().at(-1), ['close', 1008, 'too much', true])
    t.equal(page.timers.size, 0)
  })

  t.test('goes on after such a close of something between that has not said a word of the service', async (t) => {
    for (const [code, reason] of [[1008, ''], [4403, 'Forbidden'], [1008, 'policy MSG_ERR_X'], [4401, '']] as const) {
      const page = new FakePage(t)
      await page.connect({ transport: 'websocket' })
      page.socket.end(code, reason)
      t.strictSame(page.take().at(-1), ['close', code, reason, false])
      await page.pass(500)
      t.equal(page.sockets.length, 2)
      page.disconnect()
    }
  })

  t.test('waits at least as long as it is asked, also when the page is shown or the network is back', async (t) => {
    const page = new FakePage(t)
    page.answer = () => new Response('', { status: 503, headers: { 'retry-after': '100' } })
    await page.connect({ transport: 'http' }).catch(() => undefined)
    t.strictSame(page.take().at(-1), ['close', 1013, 'HTTP 503', false])
    t.equal(page.next, 100_500)
    for (const type of ['pageshow', 'visibilitychange', 'online']) await page.fire(type)
    await page.pass(99_999)
    for (const type of ['pageshow', 'visibilitychange', 'online']) await page.fire(type)
    t.equal(page.requests.length, 1)
    await page.pass(1)
    await page.fire('pageshow')
    t.equal(page.requests.length, 2)
    page.disconnect()
  })

  t.test('waits for longer than timers can', async (t) => {
    const page = new FakePage(t)
    page.answer = () => new Response('', { status: 503, headers: { 'retry-after': '12345678' } })
    await page.connect({ transport: 'http' }).catch(() => undefined)
    await page.pass(12_345_678_000)
    t.equal(page.requests.length, 1)
    await page.pass(500)
    t.equal(page.requests.length, 2)
    page.disconnect()
  })

  t.test('happens at once on online, pageshow and when the page becomes visible', async (t) => {
    const page = new FakePage(t)
    t.teardown(() => { fakeDocument.hidden = false })
    await page.connect({ transport: 'websocket' })
    for (const type of ['online', 'pageshow', 'visibilitychange']) {
      page.socket.end()
      const { length } = page.sockets
      fakeDocument.hidden = type === 'online'
      await page.fire(type)
      t.equal(page.sockets.length, length + 1, type)
    }
    page.socket.end()
    const { length } = page.sockets
    fakeDocument.hidden = true
    await page.fire('visibilitychange')
    t.equal(page.sockets.length, length, 'not when the page is hidden')
    fakeDocument.hidden = false
    await page.fire('pageshow', false)
    t.equal(page.sockets.length, length, 'not when the page has been loaded')
  })

  t.test('does not happen when the page has been loaded while the first connection is about to open', async (t) => {
    const page = new FakePage(t)
    let give: (token: string) => void = () => {}
    await page.connect({ transport: 'websocket', token: () => new Promise((resolve) => { give = resolve }) }).catch(() => undefined)
    await page.pass(1_500)
    await page.fire('pageshow', false)
    give('abc')
    await page.pass(0)
    t.strictSame(page.take().filter(([kind]) => kind === 'close'), [])
    t.equal(page.sockets.length, 1)
    page.disconnect()
  })

  t.test('replaces a connection of the network before when the browser is online again', async (t) => {
    const page = new FakePage(t)
    const first = await page.connect()
    first.subscribed('e:3')
    await page.fire('online')
    t.equal(first.dropped, true)
    await page.pass(0)
    t.equal(page.sockets.length, 2)
    t.match(page.socket.url, 'since=e%3A3')
    first.message('e:4')
    t.strictSame(page.states(), ['connecting', 'open', 'connecting'])
  })

  t.test('leaves a connection alone that a page that is shown again has heard from', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:3')
    page.sleep(29_999)
    await page.fire('visibilitychange')
    t.equal(page.sockets.length, 1)
    await page.pass(1)
    t.equal(page.socket.dropped, true, 'and still watches it')
  })
})

t.test('a connection that says nothing', async (t) => {
  t.test('is dropped after one and a half heartbeats', async (t) => {
    const page = new FakePage(t)
    const first = await page.connect()
    first.subscribed('e:3')
    await page.pass(20_000)
    first.send('')
    await page.pass(20_000)
    first.message('e:4')
    await page.pass(29_999)
    t.equal(first.dropped, false)
    await page.pass(1)
    t.equal(first.dropped, true)
    t.strictSame(page.take().at(-1), ['close', 1006, 'silence', false])
    t.equal(page.next, 500, 'and replaced soon')
    await page.pass(500)
    t.match(page.socket.url, 'wss://page.example/room?since=e%3A4&heartbeat&frames')
  })

  t.test('is replaced at once when the machine wakes up', async (t) => {
    const page = new FakePage(t)
    const first = await page.connect()
    first.subscribed('e:3')
    await page.pass(1000)
    page.sleep(3_600_000)
    await page.fire('visibilitychange')
    await page.pass(0)
    t.equal(first.dropped, true)
    t.equal(page.sockets.length, 2)
  })

  t.test('is dropped by its timer when the machine slept and the page is hidden', async (t) => {
    const page = new FakePage(t)
    const first = await page.connect()
    first.subscribed('e:3')
    page.now += 3_600_000
    await page.pass(0)
    t.equal(first.dropped, true)
  })

  t.test('is given 10 s to open, then the other transport is tried at once', async (t) => {
    const page = new FakePage(t)
    const first = await page.connect()
    await page.pass(9999)
    t.equal(first.dropped, false)
    await page.pass(1)
    t.equal(first.dropped, true)
    t.strictSame([...new Set(page.requests)], ['https://page.example/room?since=now&heartbeat'])
  })

  t.test('is kept when the server does not name an interval', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:3', { heartbeat: undefined })
    await page.pass(3_600_000)
    await page.fire('pageshow')
    t.equal(page.socket.dropped, false)
    t.equal(page.timers.size, 0)
  })

  t.test('is noticed, and one that speaks is kept, after the clock was set back', async (t) => {
    for (const back of [3_600_000, 40 * 86_400_000]) {
      const page = new FakePage(t)
      await page.connect({ transport: 'websocket' })
      page.socket.subscribed('e:3')
      page.sleep(-back)
      for (let beats = 0; beats < 5; beats++) {
        await page.pass(20_000)
        page.socket.send('')
      }
      t.equal(page.sockets.length, 1, 'kept')
      page.sleep(-back)
      await page.pass(60_000)
      t.ok(page.sockets.length > 1, 'noticed')
      page.disconnect()
    }
  })
})
