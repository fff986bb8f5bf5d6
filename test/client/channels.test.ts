import t from 'tap'
import './fake-document.js'
import { connectToChannel, type Options } from '../../src/client/index.js'
import { FakePage } from './fake-page.js'
import { Site } from './fake-site.js'

t.test('subscriptions of one page', async (t) => {
  t.test('that begin in one task are one URL, and each has its own messages', async (t) => {
    const site = await new Site(t).open('a', 'b', 'c')
    t.strictSame(site.page.sockets.map(({ url }) => url), ['wss://page.example/a,b,c?since=now%2Cnow%2Cnow&heartbeat&frames'])
    t.strictSame(site.take('open'), [['a', 'open'], ['b', 'open'], ['c', 'open']])
    for (const channel of ['b', 'a', 'd', 'c']) site.server.publish(channel, channel)
    t.strictSame(site.take(), [['b', 'message', 'b'], ['a', 'message', 'a'], ['c', 'message', 'c']])
  })

  t.test('that begin later go by frames, those asked for before the first word of the server after it', async (t) => {
    const site = new Site(t)
    site.subscribe('a')
    await site.page.pass(0)
    site.subscribe('b')
    site.server.publish('c', 'kept')
    await site.page.pass(10)
    site.subscribe('c', { since: 'earliest' })
    await site.page.pass(0)
    t.strictSame(site.page.socket.frames, [{ subscribe: 'b', since: 'now' }, { subscribe: 'c', since: 'earliest' }])
    t.strictSame(site.take(), [['a', 'open'], ['b', 'open'], ['c', 'open'], ['c', 'message', 'kept']])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('come back together, each from its own position', async (t) => {
    const site = await new Site(t, { transport: 'websocket' }).open('a', 'b', 'c')
    site.server.publish('a', 1)
    site.server.publish('b', 1)
    site.server.publish('b', 2)
    site.take()
    // Each call has a number of its own.
    let random = 0
    Object.defineProperty(site.page, 'random', { get: () => random = (random + 0.37) % 1 })
    for (const message of [3, 4]) {
      for (const peer of site.server.peers) peer.end(1012, 'retry=1000')
      site.server.publish('b', message)
      await site.page.pass(1100)
    }
    t.strictSame(site.page.sockets.map(({ url }) => new URL(url).searchParams.get('since')), ['now,now,now', 'e:1,e:2,e:0', 'e:1,e:3,e:0'])
    t.strictSame(site.take('message', 'gap'), [['b', 'message', 3], ['b', 'message', 4]])
  })

  t.test('that end in a callback send nothing on the connection that they close', async (t) => {
    for (const frame of [{ recovered: true }, { recovered: false, reason: 'expired' }]) {
      const page = new FakePage(t)
      const end = (): void => { disconnect() }
      const disconnect = connectToChannel('room', () => undefined, { since: 'e:1', onOpen: end, onGap: end })
      await page.pass(0)
      page.socket.subscribed('e:1', { frames: 100, ...frame })
      t.equal(page.socket.dropped, true)
      t.strictSame(page.socket.frames, [])
    }
  })

  t.test('leave by themselves; the last one closes the connection', async (t) => {
    const site = await new Site(t).open('a', 'b')
    site.leave('a')
    site.leave('a')
    t.strictSame(site.page.socket.frames, [{ unsubscribe: 'a' }])
    site.server.publish('a', 1)
    site.server.publish('b', 2)
    t.strictSame(site.take('message'), [['b', 'message', 2]])
    await site.page.pass(10)
    site.subscribe('a')
    await site.page.pass(0)
    t.strictSame(site.page.socket.frames.slice(1), [{ subscribe: 'a', since: 'now' }])
    site.leave('a')
    site.leave('b')
    t.equal(site.page.socket.dropped, true)
    await site.page.pass(10)
    t.equal(site.page.timers.size, 0)
  })

  t.test('have a connection of their own where the channel is taken, not where it is about to be left', async (t) => {
    const site = await new Site(t).open('a', 'b', 'a')
    t.strictSame(site.server.urls, ['a,b', 'a'])
    site.leave('b')
    site.subscribe('b', { since: 'earliest' })
    await site.page.pass(0)
    site.server.publish('b', 1)
    await site.page.pass(10)
    t.strictSame(site.take('message', 'gap'), [['b', 'message', 1]])
  })

  t.test('share only with the same server, token, transport and credentials, and unless they do not want to', async (t) => {
    const site = new Site(t)
    const token = () => 'x'
    const all: Options[] = [{}, { server: '/rt' }, { token: 'x' }, { token }, { token: () => 'x' }, { share: false }, { share: false }, { transport: 'http' }, { credentials: 'omit', transport: 'http' }]
    all.forEach((options, index) => {
      site.subscribe(`a${index}`, options)
      site.subscribe(`b${index}`, options)
    })
    await site.page.pass(10)
    t.strictSame(site.server.urls.sort(), ['a0,b0', 'a2,b2', 'a3,b3', 'a4,b4', 'a5', 'a6', 'a7,b7', 'a8,b8', 'b5', 'b6', 'rt/a1,b1'])
  })

  t.test('may stop in the callbacks of each other', async (t) => {
    const site = new Site(t)
    site.subscribe('a', { onOpen: () => { site.leave('b') } })
    await site.open('b', 'c')
    site.server.publish('b', 1)
    site.server.publish('c', 1)
    t.strictSame(site.take(), [['c', 'open'], ['c', 'message', 1]])
    t.strictSame(site.page.socket.frames, [{ unsubscribe: 'b' }])
  })
})

t.test('a refusal', async (t) => {
  t.test('that is final ends its channel alone', async (t) => {
    const site = new Site(t)
    site.server.refusals.set('b', { code: 'MSG_ERR_CHANNEL_RESERVED', close: 1008 })
    await site.open('a', 'b', 'c')
    t.strictSame(site.take(), [['a', 'open'], ['b', 'close', 1008, 'MSG_ERR_CHANNEL_RESERVED', true], ['c', 'open']])
    site.server.publish('a', 1)
    await site.page.pass(10_000)
    t.strictSame(site.take(), [['a', 'message', 1]])
    t.equal(site.page.sockets.length, 1)
    t.strictSame(site.page.socket.frames, [])
  })

  t.test('of all that there is closes the connection', async (t) => {
    const site = new Site(t)
    site.server.refusals.set('a', { code: 'MSG_ERR_CHANNEL_RESERVED', close: 1008 })
    await site.open('a')
    t.strictSame(site.take(), [['a', 'close', 1008, 'MSG_ERR_CHANNEL_RESERVED', true]])
    t.equal(site.page.socket.dropped, true)
    t.equal(site.page.timers.size, 0)
  })

  t.test('that passes is followed by another attempt, later each time, on the same connection', async (t) => {
    const site = new Site(t)
    site.server.refusals.set('b', { code: 'MSG_ERR_SUBSCRIPTION_LIMIT', close: 1013 })
    await site.open('a', 'b')
    site.take()
    await site.page.pass(500)
    await site.page.pass(1000)
    site.server.refusals.clear()
    site.server.publish('b', 1)
    await site.page.pass(2000)
    site.server.publish('b', 2)
    t.strictSame(site.take(), [...Array<unknown>(2).fill(['b', 'close', 1013, 'MSG_ERR_SUBSCRIPTION_LIMIT', false]), ['b', 'open'], ['b', 'message', 2]])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('that names a window is followed by an attempt within it', async (t) => {
    const site = new Site(t)
    site.server.refusals.set('b', { code: 'MSG_ERR_DRAINING', close: 1012, retry: 20_000 })
    await site.open('a', 'b')
    t.strictSame(site.take('close'), [['b', 'close', 1012, 'MSG_ERR_DRAINING', false]])
    await site.page.pass(9_000)
    t.equal(site.page.socket.frames.length, 0)
    await site.page.pass(1_000)
    t.equal(site.page.socket.frames.length, 1)
  })

  t.test('for its token gets a connection with another one, all that are refused at once the same', async (t) => {
    let calls = 0
    const site = await new Site(t, { token: () => `private-a,private-b,${++calls}` }).open('private-a', 'private-b', 'public')
    site.take()
    await site.page.pass(5_000)
    for (const peer of site.server.peers) {
      for (const channel of ['private-a', 'private-b']) {
        peer.channels.delete(channel)
        peer.send({ channel, event: 'refused', code: 'MSG_ERR_TOKEN_REVOKED', close: 4401 })
      }
    }
    await site.page.pass(10)
    t.strictSame(site.server.urls, ['private-a,private-b,public', 'private-a,private-b'])
    t.equal(calls, 2)
    site.server.publish('public', 1)
    site.server.publish('private-b', 2)
    t.strictSame(site.take('message', 'gap', 'error'), [['public', 'message', 1], ['private-b', 'message', 2]])
  })
})

t.test('the token', async (t) => {
  t.test('is asked for once for a connection, with its channels', async (t) => {
    const lists: string[][] = []
    const site = await new Site(t, { token: (channels) => { lists.push(channels); return channels.join() } }).open('private-a', 'private-b')
    t.strictSame(lists, [['private-a', 'private-b']])
    t.strictSame(site.take(), [['private-a', 'open'], ['private-b', 'open']])
  })

  t.test('is asked for once more, and sent, where it does not cover a channel that came later', async (t) => {
    const lists: string[][] = []
    const site = await new Site(t, { token: async (channels) => { lists.push(channels); return channels.filter((name) => name !== 'private-c').join() } }).open('private-a')
    site.subscribe('private-b')
    await site.page.pass(100)
    site.subscribe('private-c')
    await site.page.pass(10_000)
    t.strictSame(site.take(), [['private-a', 'open'], ['private-b', 'open'], ['private-c', 'close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true]])
    t.strictSame(lists, [['private-a'], ['private-a', 'private-b'], ['private-a', 'private-b', 'private-c']])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('is asked for once for several channels that came later, also while it is answered slowly', async (t) => {
    const lists: string[][] = []
    const site = new Site(t, {
      token: async (channels) => {
        lists.push(channels)
        await new Promise((resolve) => setTimeout(resolve, 500))
        return channels.join()
      }
    })
    site.server.expiresIn = 3_600_000
    site.subscribe('private-a')
    await site.page.pass(1_000)
    for (const channel of ['private-b', 'private-d', 'c']) site.subscribe(channel)
    await site.page.pass(300)
    site.subscribe('private-e')
    await site.page.pass(5_000)
    t.strictSame(site.take(), ['private-a', 'c', 'private-b', 'private-d', 'private-e'].map((channel) => [channel, 'open']))
    t.strictSame(lists.map((list) => list.length), [1, 4, 5])
    t.strictSame(site.page.socket.frames.map((frame) => Object.keys(frame as object)[0] === 'token' ? 'token' : (frame as { subscribe: string }).subscribe),
      ['private-b', 'private-d', 'c', 'private-e', 'token', 'private-b', 'private-d', 'token', 'private-e'])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('is refreshed before it expires, on the same connection', async (t) => {
    let calls = 0
    const site = new Site(t, { token: () => `private-a,${++calls}` })
    site.server.expiresIn = 15_000
    await site.open('private-a', 'b')
    for (let beats = 0; beats < 10; beats++) {
      await site.page.pass(10_000)
      site.server.beat()
    }
    t.ok(calls >= 7 && calls <= 9, `${calls} calls`)
    t.equal(site.page.sockets.length, 1)
    t.strictSame(site.page.socket.frames[0], { token: 'private-a,2' })
    t.strictSame(site.take('close', 'error'), [])
  })

  t.test('that there is not for all is asked for by channel before anything is reported', async (t) => {
    const site = await new Site(t, { token: (channels) => { if (channels.length > 1) throw new Error('one at a time'); return channels[0] } }).open('private-a', 'private-b')
    t.strictSame(site.take(), [['private-a', 'open'], ['private-b', 'open']])
    t.strictSame(site.server.urls, ['private-a', 'private-b'])
  })

  t.test('that never comes is given up for all that wait for it, and asked for once more for all', async (t) => {
    let calls = 0
    const token = (): Promise<string> => calls++ ? Promise.resolve('x') : new Promise(() => undefined)
    const site = await new Site(t, { token }).open('a')
    await site.page.pass(20_000)
    await site.open('b')
    await site.page.pass(11_000)
    t.equal(calls, 2)
    t.strictSame(site.take('open'), [['a', 'open'], ['b', 'open']])
  })

  t.test('that cannot be had is reported by each channel, and asked for again', async (t) => {
    const site = await new Site(t, { token: () => { throw new Error('offline') } }).open('a', 'b')
    t.strictSame(site.take(), ['a', 'b'].flatMap((channel) => [[channel, 'error', 'Error: offline'], [channel, 'close', 4401, 'Error: offline', false]]))
    await site.page.pass(500)
    t.strictSame(site.take('close').length, 2)
  })
})

t.test('over HTTP', async (t) => {
  const lines: Options = { transport: 'http' }

  t.test('a change is one more request for all, with their positions, and nothing is missed or comes twice', async (t) => {
    const site = await new Site(t, lines).open('a', 'b')
    site.server.publish('a', 1)
    await site.page.pass(10)
    site.subscribe('c')
    site.leave('b')
    await site.page.pass(20)
    site.subscribe('d')
    site.server.publish('a', 2)
    await site.page.pass(49)
    t.equal(site.page.requests.length, 1)
    await site.page.pass(10)
    for (const channel of ['a', 'b', 'c', 'd']) site.server.publish(channel, 'new')
    await site.page.pass(10)
    t.strictSame(site.server.urls, ['a,b', 'a,c,d'])
    t.equal(new URL(site.page.requests[1] ?? '').searchParams.get('since'), 'e:2,now,now')
    t.strictSame(site.take(), [
      ['a', 'open'], ['b', 'open'], ['a', 'message', 1], ['a', 'message', 2], ['c', 'open'], ['d', 'open'],
      ['a', 'message', 'new'], ['c', 'message', 'new'], ['d', 'message', 'new']
    ])
  })

  t.test('a channel that came while the token was asked for has one more request with a token for all', async (t) => {
    const lists: string[][] = []
    const site = new Site(t, {
      ...lines,
      token: async (channels) => {
        lists.push(channels)
        await new Promise((resolve) => setTimeout(resolve, 500))
        return channels.join()
      }
    })
    site.subscribe('private-a')
    await site.page.pass(100)
    site.subscribe('private-b')
    await site.page.pass(3_000)
    t.strictSame(lists, [['private-a'], ['private-a', 'private-b']])
    t.strictSame(site.take('open', 'close'), [['private-a', 'open'], ['private-b', 'open']])
  })

  t.test('polls are one request for each channel', async (t) => {
    const site = new Site(t, lines)
    const answer = site.page.answer
    site.page.answer = (url, init) => url.includes('heartbeat') ? new Promise(() => undefined) : answer(url, init)
    await site.open('a', 'b')
    await site.page.pass(10_050)
    t.strictSame(site.server.urls, ['a', 'b'])
    t.strictSame(site.take('open'), [['a', 'open'], ['b', 'open']])
  })
})

t.test('more channels than fit', async (t) => {
  const names = (count: number, length: number) => Array.from({ length: count }, (_, index) => String(index).padStart(length, 'x'))

  t.test('in a path stand in the query', async (t) => {
    const site = await new Site(t).open('a'.repeat(60), 'b'.repeat(39), 'c', 'd+e')
    t.strictSame(site.server.urls, [`${'a'.repeat(60)},${'b'.repeat(39)} c,d+e`])
    t.equal(site.take('open').length, 4)
  })

  t.test('in a URL go by frames', async (t) => {
    const site = await new Site(t).open(...names(60, 50))
    t.equal(site.page.sockets.length, 1)
    t.ok(site.page.socket.url.length <= 2000 + 'wss://page.example'.length)
    t.equal(site.take('open').length, 60)
    t.ok(site.page.socket.frames.length > 10)
  })

  t.test('in a URL over HTTP are several streams', async (t) => {
    const site = await new Site(t, { transport: 'http' }).open(...names(60, 50))
    await site.page.pass(1000)
    t.equal(site.page.requests.length, 2)
    t.equal(site.take('open').length, 60)
  })

  t.test('in a connection are several', async (t) => {
    const site = new Site(t)
    site.server.frames = 10
    await site.open(...names(4, 3))
    for (const name of names(24, 4)) site.subscribe(name)
    await site.page.pass(10)
    t.equal(site.take('open').length, 28)
    t.equal(site.page.sockets.length, 3)
  })
})

t.test('a server of an older version', async (t) => {
  t.test('serves one channel', async (t) => {
    const site = new Site(t)
    site.server.older = true
    await site.open('a')
    site.server.publish('a', 1)
    t.strictSame(site.take(), [['a', 'open'], ['a', 'message', 1]])
    t.strictSame(site.page.socket.frames, [])
  })

  t.test('serves several by connections of their own', async (t) => {
    for (const transport of ['websocket', 'http'] as const) {
      const site = new Site(t, { transport })
      site.server.older = true
      await site.open('a', 'b')
      site.subscribe('c')
      await site.page.pass(1000)
      for (const channel of ['a', 'b', 'c']) site.server.publish(channel, channel)
      await site.page.pass(10)
      t.strictSame(site.take('message', 'gap').sort(), [['a', 'message', 'a'], ['b', 'message', 'b'], ['c', 'message', 'c']], transport)
    }
  })
})
