import t from 'tap'
import { Site } from './fake-site.js'

t.test('a shared connection', async (t) => {
  t.test('is watched once, and all come back together from one that says nothing', async (t) => {
    const site = await new Site(t, { transport: 'websocket' }).open('a', 'b')
    t.equal(site.page.timers.size, 1)
    site.server.publish('a', 1)
    await site.page.pass(29_999)
    site.server.beat()
    await site.page.pass(29_999)
    t.equal(site.page.socket.dropped, false)
    await site.page.pass(500)
    t.strictSame(site.take('close'), [['a', 'close', 1006, 'silence', false], ['b', 'close', 1006, 'silence', false]])
    await site.page.pass(500)
    t.equal(new URL(site.page.socket.url).pathname + new URL(site.page.socket.url).search, '/a,b?since=e%3A1%2Ce%3A0&heartbeat&frames')
    t.equal(site.page.sockets.length, 2)
  })

  t.test('comes back at once for all when the page wakes up', async (t) => {
    const site = await new Site(t, { transport: 'websocket' }).open('a', 'b')
    for (const peer of site.server.peers) peer.end(1006, '')
    await site.page.fire('pageshow')
    await site.page.pass(10)
    t.strictSame(site.server.urls, ['a,b', 'a,b'])
  })

  t.test('reports connecting before open to those that come later, too', async (t) => {
    const site = await new Site(t).open('a')
    const states: string[] = []
    site.subscribe('b', { onState: (state) => { states.push(state) } })
    await site.page.pass(10)
    t.strictSame(states, ['connecting', 'open'])
  })

  t.test('does without those that leave before it has opened', async (t) => {
    const site = new Site(t)
    site.subscribe('a')
    site.subscribe('b')
    await site.page.pass(0)
    site.leave('a')
    await site.page.pass(100)
    site.server.publish('a', 1)
    site.server.publish('b', 2)
    t.strictSame(site.take('message'), [['b', 'message', 2]])
    t.strictSame([...site.server.peers].map(({ channels }) => [...channels]), [['b']])
  })

  t.test('takes a channel again that it has just been left for, and nothing of before', async (t) => {
    const site = await new Site(t).open('a', 'b')
    site.leave('b')
    site.server.publish('b', 'missed')
    site.subscribe('b', { since: 'earliest' })
    const [peer] = site.server.peers
    // A message that the server sent before it read the frame that leaves.
    peer?.send({ channel: 'b', message: 'late', id: 'e:1' })
    await site.page.pass(10)
    site.server.publish('b', 'new')
    t.strictSame(site.page.socket.frames, [{ unsubscribe: 'b' }, { subscribe: 'b', since: 'earliest' }])
    t.strictSame(site.take('message', 'gap'), [['b', 'message', 'missed'], ['b', 'message', 'new']])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('is left for HTTP by all of them, and found again', async (t) => {
    const site = new Site(t)
    const accept = site.page.accept
    site.page.accept = (socket) => { setTimeout(() => { socket.end() }, 1) }
    await site.open('a', 'b')
    site.subscribe('c')
    await site.page.pass(100)
    t.strictSame(site.server.urls, ['a,b', 'a,b,c'])
    site.page.accept = accept
    await site.page.fire('online')
    await site.page.pass(10)
    site.server.publish('c', 1)
    t.strictSame(site.server.urls, ['a,b', 'a,b,c', 'a,b,c'])
    t.equal(site.page.sockets.length, 2)
    t.strictSame(site.take('open', 'message', 'gap').slice(3), [['a', 'open'], ['b', 'open'], ['c', 'open'], ['c', 'message', 1]])
  })
})

t.test('the token of a shared connection', async (t) => {
  t.test('is asked for again by all together after it failed for each', async (t) => {
    let fails = true
    const lists: string[][] = []
    const site = await new Site(t, {
      transport: 'websocket',
      token: (channels) => {
        lists.push(channels)
        if (fails) throw new Error('offline')
        return channels.join()
      }
    }).open('private-a', 'private-b')
    t.strictSame(lists, [['private-a', 'private-b'], ['private-a'], ['private-b']])
    fails = false
    site.take()
    await site.page.pass(1_000)
    t.strictSame(site.take('open').sort(), [['private-a', 'open'], ['private-b', 'open']])
    t.equal(site.page.sockets.length, 1)
  })

  t.test('is not asked for twice at the same time', async (t) => {
    let pending = 0
    let most = 0
    const site = new Site(t, {
      token: async (channels) => {
        most = Math.max(most, ++pending)
        await new Promise((resolve) => setTimeout(resolve, 500))
        pending--
        return channels.join()
      }
    })
    site.server.expiresIn = 700
    await site.open('private-a')
    await site.page.pass(600)
    for (const channel of ['private-b', 'private-c', 'private-d']) {
      site.subscribe(channel)
      await site.page.pass(200)
    }
    await site.page.pass(3_000)
    t.equal(most, 1)
    t.strictSame(site.take('open', 'close').sort(), ['a', 'b', 'c', 'd'].map((name) => [`private-${name}`, 'open']))
  })

  t.test('decides for a channel that was asked for with it, not for one whose refusal crosses it', async (t) => {
    const lists: string[][] = []
    const site = new Site(t, { token: (channels) => { lists.push(channels); return channels.join() } })
    await site.open('private-a')
    const [peer] = site.server.peers
    const { page, server } = site
    // The refusals are on their way for a while.
    const send = peer?.send
    if (peer) peer.send = (frame) => { setTimeout(() => { send?.(frame) }, 40) }
    site.subscribe('private-b')
    await page.pass(85)
    site.subscribe('private-c')
    await page.pass(1_000)
    t.strictSame(site.take('open', 'close'), ['private-a', 'private-b', 'private-c'].map((channel) => [channel, 'open']))
    t.equal(server.peers.size, 1)
  })

  t.test('is asked for by channel where there is none for those that came later and the others', async (t) => {
    const lists: string[][] = []
    const site = await new Site(t, {
      token: (channels) => {
        lists.push(channels)
        if (channels.length > 1 || channels.includes('private-c')) throw new Error('none')
        return channels.join()
      }
    }).open('private-a')
    site.subscribe('private-b')
    site.subscribe('private-c')
    await site.page.pass(100)
    t.strictSame(lists, [['private-a'], ['private-a', 'private-b', 'private-c'], ['private-b'], ['private-c']])
    t.strictSame(site.take('open', 'close', 'error'), [
      ['private-a', 'open'], ['private-c', 'error', 'Error: none'], ['private-c', 'close', 4401, 'Error: none', false], ['private-b', 'open']
    ])
    t.equal(site.page.sockets.length, 2)
  })

  t.test('is not sent again where it is a text, which would be the same', async (t) => {
    const site = new Site(t, { token: 'private-a' })
    site.server.expiresIn = 1_000
    await site.open('private-a')
    site.subscribe('private-b')
    await site.page.pass(900)
    t.strictSame(site.take(), [['private-a', 'open'], ['private-b', 'close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true]])
    t.strictSame(site.page.socket.frames, [{ subscribe: 'private-b', since: 'now' }])
  })
})
