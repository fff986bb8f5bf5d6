import t from 'tap'
import { connectToChannel } from '../../src/client/index.js'
import { FakePage, settle } from './fake-page.js'

t.test('connectToChannel', async (t) => {
  t.test('throws a TypeError without a channel, a callback or a web address', async (t) => {
    const page = new FakePage(t)
    const noop = () => undefined
    for (const channel of ['', undefined, null, 7, {}, [], ['room'], true, Symbol('room')]) t.throws(() => connectToChannel(channel as string, noop), TypeError)
    for (const callback of [undefined, null, 'log']) t.throws(() => connectToChannel('room', callback as never), TypeError)
    for (const server of ['ftp://host', 'localhost:3000', 'https://']) t.throws(() => connectToChannel('room', noop, { server }), TypeError)
    await page.pass(0)
    t.equal(page.sockets.length, 0)
  })

  t.test('connects to the page\'s own host by default', async (t) => {
    const page = new FakePage(t)
    t.equal((await page.connect()).url, 'wss://page.example/room?since=now&heartbeat&frames')
    t.strictSame(page.socket.protocols, [])
  })

  t.test('follows options.server', async (t) => {
    const page = new FakePage(t)
    const expected = {
      'http://news.example': 'ws://news.example/room',
      'https://http.example:8443/': 'wss://http.example:8443/room',
      'ws://ws.example': 'ws://ws.example/room',
      'wss://a.example/rt//': 'wss://a.example/rt/room',
      '//b.example/rt?x=1#y': 'wss://b.example/rt/room',
      '/rt': 'wss://page.example/rt/room',
      '/rt/': 'wss://page.example/rt/room',
      sub: 'wss://page.example/app/sub/room',
      '': 'wss://page.example/room'
    }
    for (const [server, url] of Object.entries(expected)) t.equal((await page.connect({ server })).url, `${url}?since=now&heartbeat&frames`)
  })

  t.test('throws a TypeError for a name that the service would refuse, and at once', async (t) => {
    const page = new FakePage(t)
    for (const name of ['a/b', 'a?b', 'a b', 'ü', '.a', '-a', 'a,b', 'a#b', 'a%41', 'a\n', '\ud800', 'a'.repeat(101)]) {
      t.throws(() => connectToChannel(name, () => undefined), TypeError, JSON.stringify(name))
    }
    for (const name of ['a', '_', '0', 'Az09_.:@=+~-', 'undefined', 'a'.repeat(100)]) {
      const disconnect = connectToChannel(name, () => undefined)
      await page.pass(0)
      t.equal(new URL(page.socket.url).pathname, `/${name}`)
      disconnect()
    }
  })

  t.test('percent-encodes the position, whatever the text', async (t) => {
    const page = new FakePage(t)
    t.match((await page.connect({ since: 'e/&:5' })).url, 'since=e%2F%26%3A5&')
    t.match((await page.connect({ since: 'e\ud800:5' })).url, 'since=e%EF%BF%BD%3A5&')
  })

  t.test('sends a token as a subprotocol, never in the URL', async (t) => {
    const page = new FakePage(t)
    await page.connect({ token: 'abc.d-e_f=/(ü)\n' })
    t.strictSame(page.socket.protocols, ['messenger', 'token.abc.d-e_f%3D%2F%28%C3%BC%29'])
    t.notMatch(page.socket.url, 'abc')
  })

  t.test('asks a token function again for each attempt', async (t) => {
    const page = new FakePage(t)
    const tokens = ['one', Promise.resolve('two'), undefined]
    await page.connect({ token: () => tokens.shift(), transport: 'websocket' })
    page.socket.end(4401, 'MSG_ERR_TOKEN_EXPIRED')
    await page.pass(500)
    page.socket.end(4401, 'MSG_ERR_TOKEN_EXPIRED')
    await page.pass(1000)
    t.strictSame(page.sockets.map(({ protocols }) => protocols[1]), ['token.one', 'token.two', undefined])
  })

  t.test('reports a token function that fails and tries again with backoff', async (t) => {
    const page = new FakePage(t)
    const failures = [() => { throw new Error('sync') }, () => Promise.reject(new Error('async')), () => 'good']
    const connected = page.connect({ token: () => failures.shift()?.() })
    await t.rejects(connected, 'no connection is made')
    t.strictSame(page.take(), [['error', 'Error: sync'], ['close', 4401, 'Error: sync', false]])
    t.equal(page.next, 500)
    await page.pass(500)
    t.strictSame(page.take(), [['error', 'Error: async'], ['close', 4401, 'Error: async', false]])
    t.equal(page.next, 1000)
    await page.pass(1000)
    t.strictSame(page.socket.protocols, ['messenger', 'token.good'])
  })

  t.test('reports its states', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    page.socket.subscribed('e:0')
    page.socket.end(1012)
    await page.pass(500)
    page.socket.subscribed('e:0')
    page.socket.end(1008)
    t.strictSame(page.states(), ['connecting', 'open', 'waiting', 'connecting', 'open', 'closed'])
  })
})

t.test('disconnect', async (t) => {
  t.test('prevents the connection when it is called at once', async (t) => {
    const page = new FakePage(t)
    connectToChannel('room', () => undefined)()
    await page.pass(60_000)
    t.equal(page.sockets.length, 0)
    t.equal(page.timers.size, 0)
  })

  t.test('ends the connection, its timers and its listeners, and may be called again', async (t) => {
    const page = new FakePage(t)
    await page.connect()
    page.socket.subscribed('e:0')
    page.take()
    page.disconnect()
    page.disconnect()
    t.equal(page.socket.dropped, true)
    page.socket.message('e:1')
    page.socket.end()
    for (const type of ['online', 'pageshow', 'visibilitychange']) await page.fire(type)
    await page.pass(3_600_000)
    t.strictSame(page.told, [])
    t.equal(page.timers.size, 0)
    t.equal(page.sockets.length, 1)
  })

  t.test('ignores a token that comes afterwards', async (t) => {
    const page = new FakePage(t)
    for (const fails of [false, true]) {
      let settleToken: () => void = () => undefined
      const connected = page.connect({ token: () => new Promise((resolve, reject) => { settleToken = () => { if (fails) reject(new Error('late')); else resolve('late') } }) })
      await t.rejects(connected)
      page.disconnect()
      page.told.length = 0
      settleToken()
      await settle()
      t.strictSame(page.told, [])
    }
    t.equal(page.sockets.length, 0)
    t.equal(page.timers.size, 0)
  })

  t.test('may be called in any callback, and is the last thing that happens', async (t) => {
    const page = new FakePage(t)
    const stop = () => { page.disconnect() }
    const play = async () => {
      await page.pass(0).catch(() => undefined)
      const socket = page.sockets.at(-1)
      socket?.subscribed('e:4', { recovered: false, reason: 'epoch' })
      socket?.send('not json')
      socket?.message('e:5')
      socket?.end()
      await page.pass(100_000)
    }
    const cases: Record<string, [object, unknown[]]> = {
      connecting: [{ onState: stop, token: () => { throw new Error('asked') } }, []],
      token: [{ token: () => { stop(); throw new Error('x') } }, []],
      onError: [{ token: () => { throw new Error('x') }, onError: stop }, []],
      onOpen: [{ onOpen: stop }, []],
      onGap: [{ onGap: stop }, ['open']],
      onClose: [{ onClose: stop }, ['open', 'gap', 'error', 'message']]
    }
    for (const [name, [options, kinds]] of Object.entries(cases)) {
      page.told.length = page.sockets.length = 0
      await page.connect({ since: 'd:1', ...options }).catch(() => undefined)
      await play()
      t.strictSame(page.take().map(([kind]) => kind), kinds, name)
      t.equal(page.timers.size, 0, name)
    }
  })
})
