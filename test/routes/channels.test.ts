import t from 'tap'
import { eventually } from '../eventually.js'
import { type Answer, ask, assertError, ID, publish, publishHeaders, startHost, startService } from '../helper.js'
import { subscribe } from '../sockets.js'
import { bearer, goodJwt, SECRET, token } from '../tokens.js'
import type { FastifyInstance } from 'fastify'

async function get (app: FastifyInstance, path: string): Promise<Answer> {
  return await ask(app, path, { headers: publishHeaders() })
}

t.test('GET /-/channels', async (t) => {
  t.test('lists the channels with subscribers in the order of their names, as many as asked for', async (t) => {
    const app = await startService(t)
    t.strictSame((await get(app, '/-/channels')).body, { channels: [], more: false })
    await publish(app, 'nobody', 1)
    for (const path of ['/b', '/a,chat:1', '/chat:1', '/chat:2']) await subscribe(t, app, path)
    const { status, headers, body } = await get(app, '/-/channels')
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'no-store')
    t.strictSame(body, {
      channels: [{ channel: 'a', subscribers: 1 }, { channel: 'b', subscribers: 1 }, { channel: 'chat:1', subscribers: 2 }, { channel: 'chat:2', subscribers: 1 }],
      more: false
    })
    t.strictSame((await get(app, '/-/channels?prefix=chat:&limit=1')).body, { channels: [{ channel: 'chat:1', subscribers: 2 }], more: true })
    t.strictSame((await get(app, '/-/channels?prefix=chat%3A2&limit=1000')).body, { channels: [{ channel: 'chat:2', subscribers: 1 }], more: false })
    t.strictSame(await app.channels.list({ limit: 1 }), { channels: [{ channel: 'a', subscribers: 1 }], more: true })
  })

  t.test('refuses a query that makes no sense', async (t) => {
    const app = await startService(t)
    for (const query of ['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=x', 'limit=', 'limit=1&limit=2', 'prefix=a&prefix=b', `prefix=${'a'.repeat(201)}`]) {
      assertError(t, await get(app, `/-/channels?${query}`), 400, 'MSG_ERR_QUERY_INVALID', query)
    }
  })

  t.test('answers only with a token of the operator', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    for (const path of ['/-/channels', '/-/channels/room']) {
      assertError(t, await ask(app, path), 401, 'MSG_ERR_TOKEN_MISSING')
      for (const text of ['wrong', token(), goodJwt()]) assertError(t, await ask(app, path, { headers: bearer(text) }), 403, 'MSG_ERR_TOKEN_INVALID')
      assertError(t, await ask(app, path, { method: 'POST', headers: publishHeaders(), body: '{}' }), 405, 'MSG_ERR_METHOD_NOT_ALLOWED')
    }
  })
})

t.test('GET /-/channels/:channel', async (t) => {
  t.test('tells the subscribers of a channel, its position and its members', async (t) => {
    const app = await startService(t)
    t.match((await get(app, '/-/channels/room')).body, { channel: 'room', subscribers: 0, members: [], id: /:0$/ })
    await subscribe(t, app, '/room')
    const { body: { id } } = await publish(app, 'room', 1)
    t.match(id, ID)
    t.strictSame((await get(app, '/-/channels/room')).body, { channel: 'room', subscribers: 1, members: [], id })
    t.strictSame(await app.channels.members('room'), { channel: 'room', subscribers: 1, members: [], id })
    t.strictSame((await get(app, `/-/channels/${'%61'.repeat(100)}`)).body['channel'], 'a'.repeat(100))
  })

  t.test('works in a host whose router takes short parameters', async (t) => {
    const app = await startHost(t, { prefix: '/rt', channels: { '*': { presence: true } } })
    const name = `${'a'.repeat(100)}~presence`
    t.match((await get(app, `/rt/-/channels/${name}`)).body, { channel: name, subscribers: 0, members: [] })
  })

  t.test('refuses what cannot be a channel', async (t) => {
    const app = await startService(t)
    for (const name of ['a%20b', '.room', 'a'.repeat(101), 'a/b', '%C3%A4']) assertError(t, await get(app, `/-/channels/${name}`), 400, 'MSG_ERR_CHANNEL_INVALID', name)
    for (const name of ['client.js', 'room~presence', 'healthz']) assertError(t, await get(app, `/-/channels/${name}`), 400, 'MSG_ERR_CHANNEL_RESERVED', name)
  })
})

t.test('app.channels.events', async (t) => {
  t.test('tells that a channel became occupied and vacated', async (t) => {
    const app = await startHost(t)
    const seen: string[] = []
    app.channels.events.on('occupied', ({ channel }) => { seen.push(`occupied ${channel}`) })
    app.channels.events.on('vacated', ({ channel }) => { seen.push(`vacated ${channel}`) })
    const first = await subscribe(t, app, '/room')
    const second = await subscribe(t, app, '/room')
    t.strictSame(seen, ['occupied room'])
    await first.end()
    await second.end()
    await eventually(() => seen.length === 2, { message: 'vacated' })
    t.strictSame(seen, ['occupied room', 'vacated room'])
  })

  t.test('is not harmed by a listener that throws', async (t) => {
    const app = await startHost(t)
    app.channels.events.on('occupied', () => { throw new Error('a listener') })
    const seen: string[] = []
    app.channels.events.on('occupied', ({ channel }) => { seen.push(channel) })
    const subscription = await subscribe(t, app, '/room?since=now')
    t.match(await subscription.next(), { event: 'subscribed' })
    await app.channels.publish('room', 1)
    t.match(await subscription.next(), { message: 1 })
    t.strictSame(seen, ['room'])
  })
})
