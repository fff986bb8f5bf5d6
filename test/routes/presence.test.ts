import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { LEAVE_MS } from '../../src/brokers/broker.js'
import type { MessengerOptions } from '../../src/index.js'
import { eventually } from '../eventually.js'
import { ask, assertError, post, publish, publishHeaders, startHost } from '../helper.js'
import { refusal, subscribe, type Subscription } from '../sockets.js'
import { EVENT_STREAM, stream } from '../streams.js'
import { bearer, goodJwt, SECRET } from '../tokens.js'

/** The grace time of the tests that wait for its end. */
const SHORT_MS = 200

async function start (t: Test, options: MessengerOptions = {}): Promise<FastifyInstance> {
  return await startHost(t, { tokenSecret: SECRET, channels: { 'chat:*': { presence: true } }, ...options })
}

/** Shortens the grace time of members until the end of the test. */
function hasten (t: Test): void {
  const { setTimeout } = globalThis
  t.intercept(globalThis, 'setTimeout', {
    value: (run: () => void, ms: number, ...args: unknown[]) => setTimeout(run, ms === LEAVE_MS ? SHORT_MS : ms, ...args)
  })
}

async function come (t: Test, app: FastifyInstance, sub: string | undefined, path = '/chat:1'): Promise<Subscription> {
  return await subscribe(t, app, path, { headers: bearer(goodJwt({ sub })) })
}

async function companion (app: FastifyInstance, query = '', channel = 'chat:1'): Promise<Record<string, unknown>> {
  return (await ask(app, `/${channel}~presence${query}`, { headers: bearer(goodJwt()) })).body
}

async function membersOf (app: FastifyInstance, channel = 'chat:1'): Promise<string[]> {
  const { members = [] } = await app.channels.members(channel)
  return members.map(({ sub, connections }) => `${sub}: ${connections}`)
}

/** The messages of a companion channel. */
async function told (app: FastifyInstance, channel = 'chat:1'): Promise<unknown[]> {
  const { messages } = await companion(app, '?since=earliest&limit=1000', channel)
  return (messages as { message: unknown }[]).map(({ message }) => message)
}

t.test('The members of a channel', async (t) => {
  t.test('are the subjects of the tokens of its subscribers, however they are connected', async (t) => {
    const app = await start(t)
    await come(t, app, '7')
    await come(t, app, '7')
    await come(t, app, '8', '/chat:1,chat:2?frames')
    await come(t, app, undefined)
    await come(t, app, '')
    await stream(t, app, '/chat:1', EVENT_STREAM, bearer(goodJwt({ sub: '9' })))
    const poll = ask(app, '/chat:1?wait=2', { headers: bearer(goodJwt({ sub: '10' })) })
    await eventually(async () => (await membersOf(app)).length === 4, { message: 'four members' })
    t.strictSame(await membersOf(app), ['10: 1', '7: 2', '8: 1', '9: 1'])
    t.strictSame(await membersOf(app, 'chat:2'), ['8: 1'])
    const { body } = await ask(app, '/-/channels/chat:1', { headers: publishHeaders() })
    t.match(body, { channel: 'chat:1', subscribers: 7, members: [{ sub: '10', connections: 1 }, { sub: '7', connections: 2 }, { sub: '8', connections: 1 }, { sub: '9', connections: 1 }] })
    t.strictSame(await told(app), [{ join: '7' }, { join: '8' }, { join: '9' }, { join: '10' }])
    await publish(app, 'chat:1', 'end of the poll')
    t.equal((await poll).status, 200)
  })

  t.test('are not known without the rule', async (t) => {
    const app = await start(t)
    await come(t, app, '7', '/news')
    t.match(await app.channels.members('news'), { subscribers: 1, members: [] })
  })

  t.test('are the subjects that authorize names', async (t) => {
    const app = await startHost(t, {
      channels: { 'chat:*': { presence: true } },
      authorize: async ({ headers: { cookie } }, channel) => await Promise.resolve(channel === 'chat:1' && { subject: cookie })
    })
    await subscribe(t, app, '/chat:1', { headers: { cookie: '7' } })
    await subscribe(t, app, '/chat:1?sub=9&subject=9')
    t.match(await app.channels.members('chat:1'), { subscribers: 2, members: [{ sub: '7', connections: 1 }] })
    const { status, body } = await ask(app, '/chat:1~presence', { headers: { cookie: '8' } })
    t.equal(status, 200)
    t.match(body, { channel: 'chat:1~presence', members: [{ sub: '7', connections: 1 }] })
    t.equal((await ask(app, '/chat:2~presence')).status, 403)
  })

  t.test('leave when their grace time is over, and stay when they return before', async (t) => {
    hasten(t)
    const app = await start(t)
    const events: string[] = []
    for (const name of ['join', 'leave'] as const) app.channels.events.on(name, ({ channel, sub }) => { events.push(`${name} ${channel} ${sub}`) })
    const staying = await come(t, app, '7')
    const leaving = await come(t, app, '8')
    await Promise.all([staying.end(), leaving.end()])
    await eventually(async () => (await membersOf(app)).join() === '7: 0,8: 0', { message: 'both without a connection' })
    await come(t, app, '7')
    await eventually(() => events.length === 3, { message: () => events.join() })
    t.strictSame(events, ['join chat:1 7', 'join chat:1 8', 'leave chat:1 8'])
    t.strictSame(await told(app), [{ join: '7' }, { join: '8' }, { leave: '8' }])
    t.strictSame(await membersOf(app), ['7: 1'])
  })

  t.test('change with the token of a connection', async (t) => {
    hasten(t)
    const app = await start(t)
    const anonymous = await come(t, app, undefined, '/chat:1,chat:2?frames')
    await anonymous.take(2)
    anonymous.socket.send(JSON.stringify({ token: goodJwt({ sub: '7', subscribe: ['chat:1'] }) }))
    t.match(await anonymous.take(2), [{ event: 'token' }, { event: 'refused', channel: 'chat:2', close: 4403 }])
    t.strictSame(await membersOf(app), ['7: 1'])
    t.strictSame(await membersOf(app, 'chat:2'), [])
    anonymous.socket.send(JSON.stringify({ token: goodJwt({ sub: '7' }) }))
    t.match(await anonymous.next(), { event: 'token' })
    anonymous.socket.send('{"subscribe":"chat:1"}')
    anonymous.socket.send('{"subscribe":"chat:2"}')
    t.match(await anonymous.take(2), [{ event: 'subscribed' }, { event: 'subscribed' }])
    t.strictSame([await membersOf(app), await membersOf(app, 'chat:2')], [['7: 1'], ['7: 1']])
    anonymous.socket.send('{"unsubscribe":"chat:1"}')
    await eventually(async () => (await told(app)).length === 2, { message: 'the leave' })
    t.strictSame(await told(app), [{ join: '7' }, { leave: '7' }])
  })

  t.test('leave with their grants', async (t) => {
    hasten(t)
    const app = await start(t)
    const member = await come(t, app, '7')
    t.equal((await post(app, '/-/revocations', { sub: '7' })).status, 200)
    t.match(await member.closed, { code: 4401 })
    await eventually(async () => (await membersOf(app)).length === 0, { message: 'the leave' })
  })
})

t.test('The companion of a channel', async (t) => {
  t.test('has ids, resumes, and continues the list of members', async (t) => {
    hasten(t)
    const app = await start(t)
    await come(t, app, '7')
    const { id, members, channel } = await companion(app)
    t.equal(channel, 'chat:1~presence')
    t.strictSame(members, [{ sub: '7', connections: 1 }])
    const live = await come(t, app, '8', `/chat:1~presence?since=${String(id)}`)
    t.match(await live.next(), { event: 'subscribed', channel: 'chat:1~presence', id, recovered: true })
    const other = await come(t, app, '9')
    t.match(await live.next(), { channel: 'chat:1~presence', message: { join: '9' }, id: /:2$/ })
    await other.end()
    t.match(await live.next(), { message: { leave: '9' }, id: /:3$/ })
    const replay = await come(t, app, undefined, '/chat:1,chat:1~presence?since=earliest')
    t.match((await replay.take(5)).filter(({ channel, event }) => channel === 'chat:1~presence' && event === undefined).map(({ message }) => message), [{ join: '7' }, { join: '9' }, { leave: '9' }])
    t.match(await companion(app, `?since=${String(id)}`), { messages: [{ message: { join: '9' } }, { message: { leave: '9' } }], recovered: true })
    t.match(await companion(app, '?wait=1&since=earliest'), { messages: [{ message: { join: '7' } }, {}, {}] })
  })

  t.test('has no members itself', async (t) => {
    const app = await start(t)
    await come(t, app, '7', '/chat:1~presence')
    t.match(await companion(app), { members: [] })
    t.match(await app.channels.members('chat:1~presence'), { subscribers: 1, members: [] })
  })

  t.test('is open only to clients that may subscribe to the channel', async (t) => {
    const app = await start(t, { publicChannels: ['chat:open'] })
    const of = async (patterns: string[], path: string): Promise<number> => {
      return (await ask(app, path, { headers: bearer(goodJwt({ subscribe: patterns })) })).status
    }
    t.equal(await of(['chat:1'], '/chat:1~presence'), 200)
    t.equal(await of(['chat:1~presence', '*~presence'], '/chat:1~presence'), 403)
    t.equal(await of(['chat:2'], '/chat:1~presence'), 403)
    t.equal((await ask(app, '/chat:1~presence')).status, 401)
    t.equal((await ask(app, '/chat:open~presence')).status, 200)
    const several = await subscribe(t, app, '/chat:1~presence,chat:2~presence,chat:open~presence?frames', { headers: bearer(goodJwt({ subscribe: ['chat:1'] })) })
    const frames = await several.take(3)
    t.match(frames.sort((a, b) => a.channel < b.channel ? -1 : 1), [
      { channel: 'chat:1~presence', event: 'subscribed' },
      { channel: 'chat:2~presence', event: 'refused', code: 'MSG_ERR_CHANNEL_FORBIDDEN' },
      { channel: 'chat:open~presence', event: 'subscribed' }
    ])
    several.socket.send(JSON.stringify({ token: goodJwt({ subscribe: ['chat:2'] }) }))
    t.match(await several.take(2), [{ event: 'token' }, { event: 'refused', channel: 'chat:1~presence', close: 4403 }])
  })

  t.test('exists only with the rule', async (t) => {
    const app = await start(t)
    assertError(t, await ask(app, '/news~presence', { headers: bearer(goodJwt()) }), 400, 'MSG_ERR_CHANNEL_RESERVED')
    t.match(await refusal(t, app, '/news~presence'), { code: 1008, reason: 'MSG_ERR_CHANNEL_RESERVED' })
    t.match(await refusal(t, app, '/chat:1~presence~presence'), { code: 1008, reason: 'MSG_ERR_CHANNEL_RESERVED' })
  })

  t.test('cannot be published to', async (t) => {
    const app = await start(t)
    for (const name of ['chat:1~presence', 'news~presence']) {
      assertError(t, await publish(app, name, { join: '9' }), 400, 'MSG_ERR_CHANNEL_RESERVED', name)
      assertError(t, await post(app, `/send/${name}`, { message: 1 }, bearer(goodJwt({ send: ['*'] }))), 400, 'MSG_ERR_CHANNEL_RESERVED', name)
      assertError(t, await post(app, '/send', { channels: [name], message: 1 }), 400, 'MSG_ERR_CHANNEL_RESERVED', name)
      await t.rejects(app.channels.publish(name, 1), { code: 'MSG_ERR_CHANNEL_RESERVED' }, name)
      await t.rejects(app.channels.publishAll([{ channel: name, message: 1 }]), { code: 'MSG_ERR_CHANNEL_RESERVED' }, name)
    }
    t.strictSame(await told(app), [])
  })

  t.test('has a name beyond the 100 characters', async (t) => {
    const app = await start(t, { prefix: '/rt' })
    const channel = `chat:${'a'.repeat(95)}`
    const member = await come(t, app, '7', `/rt/${channel}?channels=${channel}~presence`)
    t.match(await member.next(), { channel, event: 'subscribed' })
    t.match(await member.next(), { channel: `${channel}~presence`, event: 'subscribed' })
    const { body } = await ask(app, `/rt/${channel}~presence`, { headers: bearer(goodJwt()) })
    t.match(body, { members: [{ sub: '7' }] })
  })

  t.test('answers only with the number of more than 1,000 members', async (t) => {
    const app = await startHost(t, {
      channels: { 'chat:*': { presence: true } }, maxSubscribesPerSecond: 100_000, maxConnectionsPerAddress: 10_000, historySize: 2_000,
      authorize: ({ query }) => ({ subject: (query as { user: string }).user })
    })
    for (let user = 0; user < 1_001; user++) await subscribe(t, app, `/chat:1?user=${user}`)
    const { text, body } = await ask(app, '/chat:1~presence?user=x')
    t.match(body, { channel: 'chat:1~presence', count: 1_001, id: /:1000$/ })
    t.notOk('members' in body, text)
    t.match(await app.channels.members('chat:1'), { count: 1_001, subscribers: 1_001 })
  })
})
