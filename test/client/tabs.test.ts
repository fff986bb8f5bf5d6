import t from 'tap'
import { FakeTabs, HEARTBEAT, type Tab } from './fake-tabs.js'

/** After this time without a sign of the leader another tab has taken the lead, at the latest. */
const TAKEOVER = 1.5 * HEARTBEAT + 1_000 + 100

const closesOf = (tab: Tab) => tab.take('close').map(([, code, reason]) => [code, reason])

t.test('tabs with the same share key', async (t) => {
  t.test('use one connection, and each is told all of it', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(3)
    world.server.publish('room', 1)
    world.server.publish('room', 2)
    await world.page.pass(100)
    t.equal(world.page.sockets.length, 1)
    for (const tab of tabs) t.strictSame(tab.told, [['state', 'connecting'], ['state', 'open'], ['open'], ['message', 1], ['message', 2]])
  })

  t.test('share it for all channels that any of them wants', async (t) => {
    const world = new FakeTabs(t)
    const [one, two] = await world.open(2, (tab, index) => {
      tab.subscribe('room')
      tab.subscribe(`own-${index}`)
    }) as [Tab, Tab]
    for (const channel of ['room', 'own-0', 'own-1']) world.server.publish(channel, channel)
    await world.page.pass(100)
    t.strictSame(one.messages(), ['room', 'own-0'])
    t.strictSame(two.messages(), ['room', 'own-1'])
    t.strictSame(world.page.sockets.map(({ url }) => new URL(url).pathname), ['/room,own-0'])
    t.strictSame(world.page.socket.frames, [{ subscribe: 'own-1', since: 'now' }])
  })

  t.test('give a second call for the same channel what it has to have', async (t) => {
    const world = new FakeTabs(t)
    world.server.publish('room', 1)
    const [tab] = await world.open(1) as [Tab]
    tab.subscribe('room', { since: 'earliest' })
    await world.page.pass(100)
    world.server.publish('room', 2)
    await world.page.pass(100)
    t.strictSame(tab.messages(), [1, 2, 2])
    t.equal(world.page.sockets.length, 1)
  })

  t.test('leave channels that none wants any more, also those of a tab that has crashed', async (t) => {
    const world = new FakeTabs(t)
    const channels = () => [...world.server.peers].map(({ channels }) => [...channels])
    const [one, two] = await world.open(2, (tab, index) => {
      tab.subscribe('room')
      tab.subscribe(`own-${index}`)
    }) as [Tab, Tab]
    one.subscribe('other')
    one.leave('own-0')
    one.leave('room')
    await world.page.pass(3_000)
    t.strictSame(channels(), [['room', 'own-1', 'other']])
    two.crash()
    await world.pass(HEARTBEAT + 3_000)
    t.strictSame(channels(), [['other']])
    t.equal(world.locks.holder(), one)
    t.equal(world.page.sockets.length, 1)
  })

  t.test('keep a channel that another tab wants, also when the leader leaves it', async (t) => {
    const world = new FakeTabs(t)
    const [one, two] = await world.open(2) as [Tab, Tab]
    one.subscribe('other')
    one.leave('room')
    await world.pass(2 * HEARTBEAT)
    t.equal(world.locks.holder(), one)
    world.server.publish('room', 1)
    await world.page.pass(100)
    t.strictSame(one.messages(), [])
    t.strictSame(two.messages(), [1])
    t.equal(world.page.sockets.length, 1)
  })

  t.test('end the connection, and hold nothing, with the last subscription gone', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(2)
    for (const tab of tabs) tab.leave('room')
    await world.page.pass(300)
    t.strictSame([world.connected, world.locks.holder(), world.channels.names(), [...world.server.peers]], [[], undefined, [], []])
    t.strictSame([...world.page.timers].map(({ at }) => at - world.page.now), [])
    tabs[0]?.subscribe('room')
    await world.page.pass(100)
    world.server.publish('room', 1)
    await world.page.pass(100)
    t.strictSame(tabs[0]?.messages(), [1])
  })

  t.test('take nothing but text from each other, and throw for nothing that disconnects in between', async (t) => {
    const world = new FakeTabs(t)
    const [tab] = await world.open(1, (tab) => {
      tab.subscribe('room')
      tab.leave('room')
      tab.subscribe('other')
    }) as [Tab]
    world.server.publish('other', { text: '😀', ['__proto__x']: [0, null] })
    await world.page.pass(100)
    t.strictSame(tab.messages(), [{ text: '😀', ['__proto__x']: [0, null] }])
    t.ok(world.channels.posted.length > 0 && world.channels.posted.every((data) => typeof data === 'string'))
  })

  t.test('do not share with calls that differ in key, server, transport or credentials', async (t) => {
    const world = new FakeTabs(t)
    const others = [{ share: 'other' }, { server: 'https://other.example' }, { transport: 'http' as const }, { credentials: 'omit' as const }]
    const tabs = [...await world.open(1), ...await world.open(others.length, (tab, index) => { tab.subscribe('room', { ...others[index] }) })]
    t.equal(new Set(world.channels.names()).size, 1 + others.length)
    t.equal(new Set(world.locks.names()).size, 1 + others.length)
    t.strictSame(world.channels.names().filter((name) => name.includes('token')), [])
    t.equal(world.server.peers.size, tabs.length)
  })

  t.test('never hear of another key in the same page, as after a logout', async (t) => {
    const world = new FakeTabs(t)
    const [page, stays] = await world.open(2) as [Tab, Tab]
    page.leave('room')
    page.subscribe('room', { share: 'somebody else' })
    await world.page.pass(100)
    t.equal(world.page.sockets.filter(({ dropped }) => !dropped).length, 2)
    const names = world.channels.names()
    t.equal(new Set(names).size, 2)
    stays.crash()
    await world.pass(2 * HEARTBEAT)
    t.equal(world.page.sockets.filter(({ dropped }) => !dropped).length, 1)
  })

  t.test('are not shared by `true`, `false`, or a blank key', async (t) => {
    const world = new FakeTabs(t)
    for (const share of [true, false, '', ' ', undefined]) await world.open(1, (tab) => { tab.subscribe('room', { share }) })
    t.strictSame(world.channels.names(), [])
    t.equal(world.page.sockets.length, 5)
  })
})

t.test('a tab that joins', async (t) => {
  for (const [since, expected] of [['earliest', [1, 2, 3]], ['e:1', [2, 3]], ['now', [3]]] as const) {
    t.test(`catches up over HTTP, since ${since}`, async (t) => {
      const world = new FakeTabs(t)
      await world.open(1)
      world.server.publish('room', 1)
      world.server.publish('room', 2)
      const [tab] = await world.open(1, (tab) => { tab.subscribe('room', { since }) }) as [Tab]
      world.server.publish('room', 3)
      await world.page.pass(100)
      t.strictSame(tab.take(), [['open'], ...expected.map((message) => ['message', message])].sort(([kind]) => kind === 'open' ? -1 : 1))
      t.equal(world.page.sockets.length, 1)
      t.strictSame(world.requests.map((url) => new URL(url).searchParams.get('since')), [since])
    })
  }

  t.test('goes on to ask while answers are full', async (t) => {
    const world = new FakeTabs(t)
    await world.open(1)
    for (let number = 0; number < 250; number++) world.server.publish('room', number)
    const [tab] = await world.open(1, (tab) => { tab.subscribe('room', { since: 'earliest' }) }) as [Tab]
    await world.page.pass(1_000)
    world.server.publish('room', 250)
    await world.page.pass(100)
    t.strictSame(tab.messages(), Array.from({ length: 251 }, (_, number) => number))
    t.equal(world.requests.length, 3)
  })

  t.test('asks once, however many messages come meanwhile', async (t) => {
    const world = new FakeTabs(t)
    await world.open(1)
    const { answer } = world.page
    world.page.answer = (url, init) => new Promise((resolve) => { setTimeout(() => { resolve(answer(url, init)) }, 500) })
    const [tab] = await world.open(1) as [Tab]
    for (let number = 0; number < 20; number++) {
      world.server.publish('room', number)
      await world.page.pass(50)
    }
    await world.page.pass(1_000)
    const got = tab.messages()
    t.strictSame(got, Array.from({ length: 20 }, (_, number) => number).slice(-got.length))
    t.ok(got.length > 5)
    t.equal(world.requests.length, 1)
  })

  t.test('is refused, where its own token is not good, and given nothing', async (t) => {
    const world = new FakeTabs(t)
    const subscribe = (token: string) => (tab: Tab) => { tab.subscribe('private', { token: () => token }) }
    const [leader] = await world.open(1, subscribe('private')) as [Tab]
    world.server.publish('private', 1)
    const [tab] = await world.open(1, subscribe('nothing')) as [Tab]
    world.server.publish('private', 2)
    await world.page.pass(100)
    t.strictSame(tab.told, [['state', 'connecting'], ['close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true], ['state', 'closed']])
    t.strictSame(leader.messages(), [1, 2])
  })

  t.test('is told of failures to catch up, and catches up in the end', async (t) => {
    const world = new FakeTabs(t)
    await world.open(1)
    const { answer } = world.page
    world.page.answer = () => new Response('busy', { status: 503 })
    const [tab] = await world.open(1, (tab) => { tab.subscribe('room', { since: 'earliest' }) }) as [Tab]
    world.server.publish('room', 1)
    await world.page.pass(100)
    t.strictSame(tab.told.slice(0, 3), [['state', 'connecting'], ['close', 1013, 'HTTP 503', false], ['state', 'waiting']])
    world.page.answer = answer
    await world.page.pass(2_000)
    t.strictSame(tab.messages(), [1])
    t.ok(world.requests.length < 5)
  })

  t.test('may leave while it catches up', async (t) => {
    const world = new FakeTabs(t)
    await world.open(1)
    world.page.answer = () => new Promise(() => undefined)
    const [tab] = await world.open(1) as [Tab]
    tab.leave('room')
    await world.page.pass(100)
    t.strictSame(tab.take(), [])
    t.equal(world.channels.names().length, 1)
  })

  t.test('may leave from its callback, in the middle of what it catches up with', async (t) => {
    const world = new FakeTabs(t)
    await world.open(1)
    for (const number of [1, 2, 3]) world.server.publish('room', number)
    const [tab] = await world.open(1, (tab) => { tab.subscribe('room', { since: 'earliest', onOpen: () => { tab.leave('room') } }) }) as [Tab]
    t.strictSame(tab.take(), [])
  })
})

t.test('the lead', async (t) => {
  for (const [name, end] of Object.entries({
    closes: (tab: Tab) => { tab.close() },
    crashes: (tab: Tab) => { tab.crash() },
    'is frozen': (tab: Tab) => { tab.freeze() },
    leaves: (tab: Tab) => { tab.leave('room') },
    navigates: (tab: Tab) => { tab.fire('pagehide', 'visibilitychange') }
  })) {
    t.test(`passes at once when the leader ${name}, and nothing is told but messages`, async (t) => {
      const world = new FakeTabs(t)
      const [leader, ...others] = await world.open(3) as [Tab, Tab, Tab]
      others.forEach((tab) => tab.take())
      end(leader)
      world.server.publish('room', 'meanwhile')
      await world.page.pass(100)
      world.server.publish('room', 'later')
      await world.page.pass(100)
      for (const tab of others) t.strictSame(tab.told, [['message', 'meanwhile'], ['message', 'later']])
      t.equal(world.page.sockets.filter(({ dropped }) => !dropped).length, 1)
    })
  }

  t.test('is taken from a leader that stands still after one and a half heartbeats, and none is silent for longer', async (t) => {
    const world = new FakeTabs(t)
    const [leader, ...others] = await world.open(4) as [Tab, Tab, Tab, Tab]
    await world.pass(3 * HEARTBEAT)
    leader.freeze(false)
    world.server.publish('room', 1)
    await world.pass(1.5 * HEARTBEAT - HEARTBEAT - 200)
    t.strictSame(world.locks.holder(), leader)
    await world.pass(TAKEOVER)
    t.ok(others.includes(world.locks.holder() as Tab))
    for (const tab of others) t.strictSame(tab.messages(), [1])
  })

  t.test('is left by a leader that stood still and goes on, which follows then and has missed nothing', async (t) => {
    const world = new FakeTabs(t)
    const [leader, other] = await world.open(2) as [Tab, Tab]
    leader.freeze(false)
    world.server.publish('room', 1)
    await world.pass(TAKEOVER)
    world.server.publish('room', 2)
    await world.page.pass(100)
    other.told.length = 0
    leader.thaw(false)
    await world.page.pass(100)
    world.server.publish('room', 3)
    await world.page.pass(100)
    t.strictSame(leader.messages(), [1, 2, 3])
    t.strictSame(other.told, [['message', 3]])
    t.strictSame(world.connected, [other])
    t.equal(world.locks.holder(), other)
  })

  t.test('comes back to a frozen tab that is the only one', async (t) => {
    const world = new FakeTabs(t)
    const [tab] = await world.open(1) as [Tab]
    tab.freeze()
    await world.page.pass(100)
    world.server.publish('room', 1)
    tab.thaw()
    await world.page.pass(100)
    t.strictSame(tab.messages(), [1])
    tab.fire('pagehide', 'visibilitychange')
    await world.page.pass(100)
    world.server.publish('room', 2)
    t.strictSame([world.locks.holder(), world.connected], [undefined, []])
    tab.fire('pageshow')
    await world.page.pass(100)
    t.strictSame(tab.messages(), [2])
  })

  t.test('is not given to a frozen tab', async (t) => {
    const world = new FakeTabs(t)
    const [leader, frozen, other] = await world.open(3) as [Tab, Tab, Tab]
    frozen.freeze()
    await world.page.pass(100)
    leader.crash()
    await world.page.pass(100)
    t.equal(world.locks.holder(), other)
  })

  t.test('goes from a hidden tab to a visible one, with nothing told', async (t) => {
    const world = new FakeTabs(t)
    const [leader, hidden, visible] = await world.open(3) as [Tab, Tab, Tab]
    hidden.hide()
    await world.page.pass(100)
    t.equal(world.locks.holder(), leader)
    for (const tab of world.tabs) tab.told.length = 0
    leader.hide()
    await world.page.pass(100)
    t.equal(world.locks.holder(), visible)
    visible.hide()
    await world.page.pass(100)
    t.equal(world.locks.holder(), visible)
    hidden.show()
    await world.page.pass(100)
    t.equal(world.locks.holder(), hidden)
    world.server.publish('room', 1)
    await world.page.pass(100)
    for (const tab of world.tabs) t.strictSame(tab.told, [['message', 1]])
    await world.page.pass(3_000)
    t.equal(world.connected.length, 1)
  })

  t.test('may be with two for a moment, and each message is delivered once', async (t) => {
    const world = new FakeTabs(t)
    const [one, two, three] = await world.open(3) as [Tab, Tab, Tab]
    // The lock is gone, and the tab does not know.
    world.locks.release(one)
    await world.page.pass(100)
    t.equal(world.page.sockets.filter(({ dropped }) => !dropped).length, 2)
    for (let number = 0; number < 5; number++) {
      world.server.publish('room', number)
      await world.page.pass(20)
    }
    for (const tab of [one, two, three]) t.strictSame(tab.messages(), [0, 1, 2, 3, 4])
    t.strictSame(world.requests.length, 2)
  })
})

t.test('messages between tabs', async (t) => {
  t.test('that are lost are fetched over HTTP, in order, and what comes meanwhile waits', async (t) => {
    const world = new FakeTabs(t)
    const [, tab] = await world.open(2) as [Tab, Tab]
    const { answer } = world.page
    world.page.answer = (url, init) => new Promise((resolve) => { setTimeout(() => { resolve(answer(url, init)) }, 50) })
    let left = 2
    world.channels.loses = (to) => to === tab && left-- > 0
    for (let number = 0; number < 10; number++) {
      world.server.publish('room', number)
      await world.page.pass(10)
    }
    await world.page.pass(100)
    t.strictSame(tab.messages(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    t.equal(world.requests.length, 2)
  })

  t.test('that are lost where no other follows are fetched with the next heartbeat', async (t) => {
    const world = new FakeTabs(t)
    const [, tab] = await world.open(2) as [Tab, Tab]
    world.channels.loses = (to) => to === tab
    world.server.publish('room', 1)
    await world.page.pass(100)
    world.channels.loses = () => false
    await world.pass(HEARTBEAT)
    t.strictSame(tab.take('message', 'gap'), [['message', 1]])
  })

  t.test('of an instance that is ahead of the one that is asked wait for its answer, and are not lost', async (t) => {
    const world = new FakeTabs(t)
    const [, tab] = await world.open(2) as [Tab, Tab]
    let left = 1
    world.channels.loses = (to) => to === tab && left-- > 0
    // It knows of the first one only.
    world.page.answer = () => new Response('{"channel":"room","messages":[{"channel":"room","message":1,"id":"e:1"}],"id":"e:1","recovered":true}', { headers: { 'content-type': 'application/json' } })
    world.server.publish('room', 1)
    await world.page.pass(10)
    world.server.publish('room', 2)
    await world.page.pass(100)
    t.strictSame(tab.messages(), [1, 2])
  })
})

t.test('what the connection of the leader says', async (t) => {
  t.test('reaches each tab as from a connection of its own: ends, states and the return', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(3)
    for (const tab of tabs) tab.told.length = 0
    for (const peer of world.server.peers) peer.end(1012, 'retry=4000')
    await world.page.pass(5_000)
    for (const tab of tabs) t.strictSame(tab.told, [['close', 1012, 'retry=4000', false], ['state', 'waiting'], ['state', 'connecting'], ['state', 'open'], ['open']])
    t.equal(world.page.sockets.length, 2)
  })

  t.test('is a refusal for all that have the channel, and not for others', async (t) => {
    const world = new FakeTabs(t)
    const [one, two, three] = await world.open(3, (tab, index) => {
      tab.subscribe('room')
      if (index > 0) tab.subscribe('other')
    }) as [Tab, Tab, Tab]
    for (const peer of world.server.peers) peer.send({ channel: 'other', event: 'refused', code: 'MSG_ERR_CHANNEL_FORBIDDEN', close: 4403 })
    world.server.refusals.set('other', { code: 'MSG_ERR_CHANNEL_FORBIDDEN', close: 4403 })
    await world.page.pass(5_000)
    world.server.publish('room', 1)
    await world.page.pass(100)
    t.strictSame(closesOf(one), [])
    for (const tab of [two, three]) t.strictSame(tab.take('close', 'message'), [['close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true], ['message', 1]])
  })

  t.test('is an error for all: a token that cannot be had, a message that is none', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(2, (tab) => { tab.subscribe('room', { token: () => { throw new Error('offline') } }) })
    await world.page.pass(5_000)
    t.ok(tabs.every((tab) => tab.take('error', 'close').slice(0, 2).join() === 'error,Error: offline,close,4401,Error: offline,false'))
    const [one, two] = await world.open(2, (tab) => { tab.subscribe('room', { share: 'working' }) }) as [Tab, Tab]
    one.told.length = two.told.length = 0
    world.page.socket.send('no JSON')
    await world.page.pass(100)
    for (const tab of [one, two]) t.match(tab.take(), [['error', /SyntaxError/]])
  })

  t.test('is a gap for each tab that has one: by the leader where it stands with it, otherwise by itself', async (t) => {
    const world = new FakeTabs(t)
    const [, , behind] = await world.open(3) as [Tab, Tab, Tab]
    world.channels.loses = (to) => to === behind
    world.server.publish('room', 1)
    await world.page.pass(100)
    world.channels.loses = () => false
    world.server.restart('f')
    world.server.publish('room', 2)
    await world.page.pass(5_000)
    for (const tab of world.tabs.slice(0, 2)) t.strictSame(tab.take('gap', 'message'), [['message', 1], ['gap', 'epoch'], ['message', 2]])
    t.strictSame(behind.take('gap', 'message'), [['gap', 'epoch'], ['message', 2]])
  })

  t.test('is no gap for a tab that is ahead of it', async (t) => {
    const world = new FakeTabs(t)
    const [leader, tab] = await world.open(2) as [Tab, Tab]
    for (const number of [1, 2, 3]) world.server.publish('room', number)
    await world.page.pass(100)
    leader.freeze(false)
    world.server.publish('room', 4)
    await world.pass(TAKEOVER)
    // The former leader's position, and the messages that it still has to forward, are outdated.
    leader.thaw(false)
    await world.page.pass(100)
    world.server.publish('room', 5)
    await world.page.pass(100)
    for (const each of [leader, tab]) t.strictSame(each.take('gap', 'message'), [1, 2, 3, 4, 5].map((number) => ['message', number]))
  })

  t.test('asks for receipts of messages, which come from each tab that has them', async (t) => {
    const world = new FakeTabs(t)
    const [one] = await world.open(3) as [Tab]
    one.subscribe('other')
    one.leave('room')
    await world.page.pass(100)
    for (const peer of world.server.peers) peer.send({ channel: 'room', message: 1, id: 'e:1', receipt: true })
    await world.page.pass(100)
    const ack = { ack: 'e:1', channel: 'room' }
    t.strictSame(world.page.socket.frames, [{ subscribe: 'other', since: 'now' }, ack, ack])
    world.channels.inject(JSON.stringify([0.123, 4, 'nothing', 'e:1']))
    await world.page.pass(100)
    t.equal(world.page.socket.frames.length, 3)
  })

  t.test('comes over long polls, too', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(2, (tab) => { tab.subscribe('room', { transport: 'http', since: 'earliest' }) })
    const { answer } = world.page
    world.page.answer = (url, init) => url.includes('wait=') ? answer(url, init) : new Promise(() => undefined)
    for (const peer of world.server.peers) peer.end(1006, '')
    world.server.publish('room', 1)
    world.server.publish('room', 2)
    await world.pass(2 * HEARTBEAT)
    for (const tab of tabs) t.strictSame(tab.messages(), [1, 2])
    t.notMatch(world.channels.posted.join(), /messages/)
  })

  t.test('is not told by a tab that does not lead', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(2)
    world.channels.inject(JSON.stringify([0.123, 3, 'room', { code: 1006, reason: 'silence', final: false }, 0]))
    await world.page.pass(100)
    for (const tab of tabs) t.strictSame(closesOf(tab), [])
  })
})

t.test('where tabs cannot share', async (t) => {
  for (const [name, globals] of Object.entries({
    'there are no locks': { navigator: {} },
    'there is no navigator': { navigator: undefined },
    'there are no broadcast channels': { BroadcastChannel: undefined }
  })) {
    t.test(`each has a connection of its own: ${name}`, async (t) => {
      const world = new FakeTabs(t)
      for (const [key, value] of Object.entries(globals)) t.intercept(globalThis, key as 'navigator', { value: value as never, configurable: true, writable: true })
      const tabs = await world.open(2)
      world.server.publish('room', 1)
      await world.page.pass(100)
      for (const tab of tabs) t.strictSame(tab.messages(), [1])
      t.equal(world.page.sockets.length, 2)
    })
  }

  t.test('each leads: locks are denied, as to frames of no origin', async (t) => {
    const world = new FakeTabs(t)
    world.locks.refusal = new DOMException('denied', 'SecurityError')
    const tabs = await world.open(2)
    world.server.publish('room', 1)
    await world.pass(3 * HEARTBEAT)
    for (const tab of tabs) t.strictSame(tab.messages(), [1])
    t.equal(world.page.sockets.length, 2)
    t.ok(world.channels.posted.length < 100)
  })
})

t.test('where there are no events of a page', async (t) => {
  t.test('tabs share all the same', async (t) => {
    const world = new FakeTabs(t)
    t.intercept(globalThis, 'addEventListener', { value: undefined as never, configurable: true, writable: true })
    const tabs = await world.open(2)
    world.server.publish('room', 1)
    await world.page.pass(100)
    for (const tab of tabs) t.strictSame(tab.messages(), [1])
    t.equal(world.page.sockets.length, 1)
  })
})
