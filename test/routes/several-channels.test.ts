import { request } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { Hub } from '../../src/channels/hub.js'
import messenger from '../../src/index.js'
import {
  ask, assertError, countConnections, createHost, GOING_AWAY, mint, port, post, publish, startHost, startService, TOKEN
} from '../helper.js'
import { subscribe, type Subscription } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { goodJwt, SECRET, seconds } from '../tokens.js'

/** The next event of a channel. */
async function nextOf (subscription: Subscription, channel: string | undefined): Promise<Record<string, unknown>> {
  for (;;) {
    const frame = await subscription.next()
    if (frame.channel === channel) return frame as unknown as Record<string, unknown>
  }
}

function send (subscription: Subscription, frame: unknown): void {
  subscription.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
}

/** Publishes and gives the id. */
async function idOf (app: FastifyInstance, channel: string, message: unknown): Promise<string> {
  return (await app.channels.publish(channel, message)).id
}

t.test('A WebSocket with several channels', async (t) => {
  t.test('says where each of them stands, and gets the messages of all, each with its channel and id', async (t) => {
    const app = await startService(t)
    const kept = await idOf(app, 'a', 1)
    const socket = await subscribe(t, app, '/a,b,c?since=earliest')
    t.match(await socket.take(4), [
      { channel: 'a', event: 'subscribed', recovered: true, id: /:0$/ }, { channel: 'a', message: 1, id: kept },
      { channel: 'b', event: 'subscribed' }, { channel: 'c', event: 'subscribed' }
    ])
    t.strictSame(['a', 'b', 'c'].map((channel) => app.channels.subscriberCount(channel)), [1, 1, 1])
    const ids = await Promise.all(['c', 'a', 'b'].map((channel) => idOf(app, channel, channel)))
    t.match(await socket.take(3), ['c', 'a', 'b'].map((channel, index) => ({ channel, message: channel, id: ids[index] })))
    await socket.end()
    await eventually(() => ['a', 'b', 'c'].every((channel) => app.channels.subscriberCount(channel) === 0), { message: 'nobody is left' })
  })

  t.test('resumes each channel from its own position, in the order of the URL, path before query', async (t) => {
    const app = await startService(t)
    const a = await idOf(app, 'a', 1)
    await idOf(app, 'a', 2)
    await idOf(app, 'b', 1)
    await idOf(app, 'c', 1)
    const socket = await subscribe(t, app, `/a,b?channels=c,d&since=${a},,earliest,x:7`)
    const frames = await socket.take(6)
    const of = (name: string): unknown[] => frames.filter(({ channel }) => channel === name)
      .map(({ event, message, recovered, reason }) => event === undefined ? message : reason ?? recovered)
    t.strictSame(['a', 'b', 'c', 'd'].map(of), [[true, 2], [true], [true, 1], ['epoch']])
  })

  t.test('is refused with 1008 when the list makes no sense', async (t) => {
    const app = await startService(t, { MAX_CHANNELS_PER_CONNECTION: '3' })
    for (const [path, code] of [
      ['/a,b?since=now,now,now', 'MSG_ERR_SINCE_INVALID'], ['/a,b?since=e:1', 'MSG_ERR_SINCE_INVALID'], ['/a,b?since=e:1,x', 'MSG_ERR_SINCE_INVALID'],
      ['/a,b,a', 'MSG_ERR_QUERY_INVALID'], ['/a,b,c,d', 'MSG_ERR_QUERY_INVALID'], ['/a?channels=b&channels=c', 'MSG_ERR_QUERY_INVALID']
    ] as const) t.strictSame(await (await subscribe(t, app, path)).closed, { code: 1008, reason: code }, path)
  })

  t.test('goes on with the others when one channel is refused, and closes when none is left', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, PUBLIC_CHANNELS: 'news' })
    const token = goodJwt({ subscribe: ['a'] })
    const socket = await subscribe(t, app, `/a,b,-x,news,robots.txt?token=${token}`)
    const frames = await socket.take(5)
    t.match(frames.filter(({ event }) => event === 'refused'), [
      { channel: 'b', code: 'MSG_ERR_CHANNEL_FORBIDDEN', close: 4403 },
      { channel: '-x', code: 'MSG_ERR_CHANNEL_INVALID', close: 1008, message: /./ },
      { channel: 'robots.txt', code: 'MSG_ERR_CHANNEL_RESERVED', close: 1008 }
    ])
    t.same(frames.filter(({ event }) => event === 'subscribed').map(({ channel }) => channel).sort(), ['a', 'news'])
    await publish(app, 'a', 1)
    t.match(await socket.next(), { channel: 'a', message: 1 })

    const none = await subscribe(t, app, '/b,-x')
    t.match((await none.take(2)).map(({ event }) => event), ['refused', 'refused'])
    t.strictSame(await none.closed, { code: 4401, reason: 'MSG_ERR_TOKEN_REQUIRED' }, 'the first that is not final')
    const final = await subscribe(t, app, `/b,-x?token=${token}`)
    t.equal((await final.closed).code, 4403, 'otherwise the first')
  })

  t.test('is open to a publisher, whose token is in the header', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    const socket = await subscribe(t, app, '/a,b', { headers: { authorization: `Bearer ${TOKEN}` } })
    t.match(await socket.take(2), [{ channel: 'a', event: 'subscribed' }, { channel: 'b', event: 'subscribed' }])
    const other = await subscribe(t, app, '/a,b', { headers: { authorization: 'Bearer another' } })
    t.strictSame(await other.closed, { code: 4401, reason: 'MSG_ERR_TOKEN_REFUSED' })
  })

  t.test('loses the channels whose grant is revoked, or ends, and keeps the rest', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, PUBLIC_CHANNELS: 'news' })
    const socket = await subscribe(t, app, `/a,news?token=${await mint(app, { sub: '7', subscribe: ['*'], ttl: 600 })}`)
    await socket.take(2)
    await post(app, '/-/revocations', { sub: '7' })
    t.match(await socket.next(), { channel: 'a', event: 'refused', code: 'MSG_ERR_TOKEN_REVOKED', close: 4401 })
    await publish(app, 'a', 'secret')
    await publish(app, 'news', 'public')
    t.match(await socket.next(), { channel: 'news', message: 'public' })
    t.equal(app.channels.subscriberCount('a'), 0)
  })

  t.test('counts its channels, and refuses those beyond the limit with 1013', async (t) => {
    const app = await startService(t, { MAX_SUBSCRIPTIONS_PER_ADDRESS: '3', MAX_CHANNELS: '4' })
    const first = await subscribe(t, app, '/a,b')
    await first.take(2)
    const second = await subscribe(t, app, '/a,b')
    t.match((await second.take(2)).find(({ event }) => event === 'refused'), { code: 'MSG_ERR_FULL', close: 1013, message: /MAX_SUBSCRIPTIONS_PER_ADDRESS/ })
    await first.end()
    await eventually(() => app.channels.subscriberCount('b') === 0, { message: 'the first is gone' })
    const third = await subscribe(t, app, '/c,d')
    t.match((await third.take(2)).map(({ event }) => event), ['subscribed', 'subscribed'])
    t.equal(app.channels.limits.get('maxSubscriptionsPerAddress'), 1)
  })

  t.test('is closed as a whole when the app closes, after everything that was acknowledged', async (t) => {
    const app = await startHost(t)
    const [socket, idle] = [await subscribe(t, app, '/a,b'), await subscribe(t, app, '/c?frames')]
    await socket.take(2)
    await idle.take(1)
    send(idle, { unsubscribe: 'c' })
    await idle.take(1)
    void app.channels.publish('a', 1)
    await app.channels.publish('b', 2)
    const closing = app.close()
    t.match(await socket.take(2), [{ channel: 'a', message: 1 }, { channel: 'b', message: 2 }])
    t.ok(GOING_AWAY.includes((await socket.closed).code))
    t.ok(GOING_AWAY.includes((await idle.closed).code), 'also one without a channel')
    await closing
  })

  t.test('is too slow as a whole', async (t) => {
    const app = await startService(t, { MAX_BUFFERED_BYTES: '100000', HISTORY_SIZE: '0' })
    const socket = await subscribe(t, app, '/a,b')
    await socket.take(2)
    socket.socket.pause()
    await eventually(async () => {
      await app.channels.publish('a', 'x'.repeat(60_000))
      return app.channels.subscriberCount('b') === 0
    }, { within: 30_000, message: 'both channels have lost it' })
    socket.socket.resume()
    t.equal((await socket.closed).code, 1013)
  })
})

t.test('Frames of a client', async (t) => {
  t.test('subscribe and unsubscribe while the connection is open', async (t) => {
    const app = await startService(t)
    const socket = await subscribe(t, app, '/a?frames')
    t.match(await socket.next(), { channel: 'a', event: 'subscribed', frames: 100 })
    const kept = await idOf(app, 'd', 1)
    await idOf(app, 'd', 2)
    send(socket, { subscribe: 'd', since: kept })
    t.match(await socket.take(2), [{ channel: 'd', event: 'subscribed', recovered: true }, { channel: 'd', message: 2 }])
    send(socket, { subscribe: 'd', since: 'earliest' })
    t.match(await socket.take(3), [{ channel: 'd', event: 'subscribed' }, { message: 1 }, { message: 2 }], 'a second one replaces the first')
    t.equal(app.channels.subscriberCount('d'), 1)
    send(socket, { unsubscribe: 'd' })
    t.match(await socket.next(), { channel: 'd', event: 'unsubscribed' })
    send(socket, { unsubscribe: 'never' })
    t.match(await socket.next(), { channel: 'never', event: 'unsubscribed' })
    await publish(app, 'd', 3)
    await publish(app, 'a', 4)
    t.match(await socket.next(), { channel: 'a', message: 4 }, 'nothing of d')
    for (const [frame, code] of [
      [{ subscribe: '-' }, 'MSG_ERR_CHANNEL_INVALID'], [{ subscribe: 'e', since: 'x' }, 'MSG_ERR_SINCE_INVALID']
    ] as const) {
      send(socket, frame)
      t.match(await socket.next(), { channel: frame.subscribe, event: 'refused', code, close: 1008 })
    }
    t.equal(socket.socket.readyState, socket.socket.OPEN)
  })

  t.test('have at most 12 KiB', async (t) => {
    const app = await startService(t)
    const socket = await subscribe(t, app, '/a?frames')
    await socket.next()
    send(socket, `{"subscribe":"b"${' '.repeat(12_288 - 17)}}`)
    t.match(await socket.next(), { channel: 'b', event: 'subscribed' })
    send(socket, ' '.repeat(12_289))
    t.match(await socket.closed, { code: 1009 })
  })

  t.test('are ignored where they are none, and everywhere without `frames`', async (t) => {
    const app = await startService(t)
    const [frames, plain] = [await subscribe(t, app, '/a?frames'), await subscribe(t, app, '/a,b')]
    await frames.take(1)
    await plain.take(2)
    for (const text of ['', 'x', '{}', '{"subscribe":1}', '{"subscribe":"x","token":"y"}', '{"ack":"e:1","channel":"a"}']) send(frames, text)
    frames.socket.send(Buffer.from('{"subscribe":"x"}'), { binary: true })
    send(plain, { subscribe: 'x' })
    send(frames, { subscribe: 'last' })
    t.match(await frames.next(), { channel: 'last', event: 'subscribed' })
    await publish(app, 'b', 1)
    t.match(await plain.next(), { channel: 'b', message: 1 })
    t.equal(app.channels.subscriberCount('x'), 0)
  })

  t.test('refresh the token in place: what the new one does not cover is refused', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, PUBLIC_CHANNELS: 'news' })
    const socket = await subscribe(t, app, `/a,b,news?frames&token=${goodJwt({ sub: '7', subscribe: ['a', 'b'] })}`)
    t.match((await socket.take(3)).filter(({ channel }) => channel === 'a'), [{ event: 'subscribed', expiresIn: Number }])
    send(socket, { token: goodJwt({ sub: '7', subscribe: ['a', 'c'], exp: seconds(60) }) })
    send(socket, { subscribe: 'c' })
    t.match(await socket.take(3), [
      { event: 'token', expiresIn: Number }, { channel: 'b', event: 'refused', code: 'MSG_ERR_CHANNEL_FORBIDDEN', close: 4403 }, { channel: 'c', event: 'subscribed' }
    ])
    send(socket, { token: goodJwt({ sub: '8' }) })
    const refused = await socket.take(2)
    t.match(refused, [{ event: 'refused', code: 'MSG_ERR_TOKEN_REFUSED', close: 4401 }, { event: 'refused', code: 'MSG_ERR_TOKEN_REFUSED' }], 'another subject')
    t.same(refused.map(({ channel }) => channel).sort(), ['a', 'c'])
    await publish(app, 'news', 1)
    t.match(await socket.next(), { channel: 'news', message: 1 })
    send(socket, { token: goodJwt({ sub: '7' }) })
    t.match(await nextOf(socket, undefined), { event: 'token' })
  })

  t.test('ask the host about a channel that comes later, and are told that a token is not needed', async (t) => {
    const asked: string[] = []
    const app = await startHost(t, {
      allowedOrigins: ['*'],
      authorize: async ({ url }, channel) => { asked.push(`${url} ${channel}`); return await Promise.resolve(channel !== 'no') }
    })
    const socket = await subscribe(t, app, '/a?frames')
    await socket.take(1)
    send(socket, { token: 'any' })
    t.match(await socket.next(), { event: 'token' })
    for (const channel of ['b', 'no']) send(socket, { subscribe: channel })
    t.match(await nextOf(socket, 'no'), { event: 'refused', close: 4403 })
    t.strictSame(asked, ['/a?frames a', '/a?frames b', '/a?frames no'])
  })

  t.test('cancel what is unanswered, and count as attempts to subscribe', async (t) => {
    const decisions: (() => void)[] = []
    const app = await startHost(t, {
      allowedOrigins: ['*'],
      maxChannelsPerConnection: 2,
      maxSubscribesPerSecond: 5,
      authorize: async (_request, channel) => {
        if (channel === 'slow') await new Promise<void>((resolve) => { decisions.push(resolve) })
        return true
      }
    })
    const socket = await subscribe(t, app, '/a?frames')
    await socket.take(1)
    send(socket, { subscribe: 'slow' })
    await eventually(() => decisions.length === 1, { message: 'the host is asked' })
    send(socket, { subscribe: 'third' })
    t.match(await socket.next(), { channel: 'third', event: 'refused', code: 'MSG_ERR_FULL', close: 1013 })
    send(socket, { unsubscribe: 'slow' })
    t.match(await socket.next(), { channel: 'slow', event: 'unsubscribed' })
    decisions[0]?.()
    for (const channel of ['b', 'c', 'd', 'e']) send(socket, { subscribe: channel })
    const refused = await nextOf(socket, 'e')
    t.match(refused, { event: 'refused', code: 'MSG_ERR_RATE_LIMITED', close: 1013, retry: Number })
    t.equal(app.channels.subscriberCount('slow'), 0)
  })
})

t.test('While the app closes', async (t) => {
  /** Without the window in which to reconnect: `closing` is intercepted, and no drain has begun. */
  const RESTART = { code: 1012, reason: '' }
  const startSlow = async (t: Test): Promise<{ app: FastifyInstance, decisions: (() => void)[] }> => {
    const decisions: (() => void)[] = []
    const app = await startHost(t, {
      allowedOrigins: ['*'],
      authorize: async (_request, channel) => {
        if (channel === 'slow') await new Promise<void>((resolve) => { decisions.push(resolve) })
        return true
      }
    })
    return { app, decisions }
  }

  t.test('a channel is refused with 1012, whether it is asked for or was yet to be judged', async (t) => {
    const { app, decisions } = await startSlow(t)
    const socket = await subscribe(t, app, '/a,slow?frames')
    await socket.next()
    // The subscribers of a large instance are closed one after the other; those that wait are still there.
    let closing = false
    t.intercept(Hub.prototype, 'closing', { get: () => closing })
    closing = true
    decisions[0]?.()
    t.match(await socket.next(), { channel: 'slow', event: 'refused', code: 'MSG_ERR_CLOSED', close: 1012 })
    send(socket, { subscribe: 'b' })
    t.match(await socket.next(), { channel: 'b', event: 'refused', code: 'MSG_ERR_CLOSED', close: 1012 })
    send(socket, { unsubscribe: 'a' })
    t.match(await socket.next(), { channel: 'a', event: 'unsubscribed' })
    t.strictSame(await socket.closed, RESTART)
    closing = false
  })

  t.test('a connection that loses its last channel is closed with 1012, whatever was refused before', async (t) => {
    const app = await startHost(t, { allowedOrigins: ['*'], authorize: async (_request, channel) => await Promise.resolve(channel !== 'no') })
    const socket = await subscribe(t, app, '/a,no?frames')
    t.match(await nextOf(socket, 'no'), { event: 'refused', close: 4403 })
    t.intercept(Hub.prototype, 'closing', { get: () => true })
    send(socket, { unsubscribe: 'a' })
    t.strictSame(await socket.closed, RESTART, 'a final code would end the client')
  })

  t.test('a connection that loses its last channel without a refusal is closed, too', async (t) => {
    const app = await startHost(t)
    const socket = await subscribe(t, app, '/a?frames')
    await socket.next()
    t.intercept(Hub.prototype, 'closing', { get: () => true })
    send(socket, { unsubscribe: 'a' })
    t.match(await socket.next(), { channel: 'a', event: 'unsubscribed' })
    t.strictSame(await socket.closed, RESTART)
  })

  t.test('a connection whose channels are all yet to be judged is closed', async (t) => {
    const { app, decisions } = await startSlow(t)
    const socket = await subscribe(t, app, '/a,slow?frames')
    await socket.next()
    send(socket, { unsubscribe: 'a' })
    await socket.next()
    await app.close()
    t.ok(GOING_AWAY.includes((await socket.closed).code))
    decisions[0]?.()
  })
})

t.test('An unexpected error refuses a channel and is logged', async (t) => {
  const lines: string[] = []
  const app = createHost(t, { logger: { level: 'error', stream: { write: (line: string) => { lines.push(line) } } } })
  await app.register(messenger, { token: TOKEN })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.intercept(Hub.prototype, 'assertRoom', { value: (name: string) => { if (name === 'b') throw new TypeError('a bug') } })
  const socket = await subscribe(t, app, '/a?channels=b')
  const frames = await socket.take(2)
  t.match(frames.find(({ event }) => event === 'refused'), { channel: 'b', code: 'MSG_ERR_INTERNAL', close: 1013 })
  t.match(lines.join(''), /a bug.*stack/)
})

t.test('A stream over HTTP with several channels', async (t) => {
  t.test('has heartbeats where they are asked for, and lets a client go that leaves while the host decides', async (t) => {
    const decisions: (() => void)[] = []
    const app = await startHost(t, {
      authorize: async (_request, channel) => {
        if (channel === 'slow') await new Promise<void>((resolve) => { decisions.push(resolve) })
        return true
      }
    })
    const lines = await stream(t, app, '/a,b?heartbeat', LINES)
    t.match(await lines.nextLine(), { event: 'subscribed', heartbeat: 25_000 })
    const leaving = request({ host: '127.0.0.1', port: port(app), path: '/a,slow', headers: { accept: LINES }, agent: false })
    leaving.on('error', () => undefined).end()
    await eventually(() => decisions.length === 1, { message: 'the host is asked' })
    leaving.destroy()
    await eventually(async () => await countConnections(app) === 1, { message: 'it has left' })
    decisions[0]?.()
    await publish(app, 'a', 1)
    await lines.nextLine()
    t.match(await lines.nextLine(), { message: 1 })
    t.equal(app.channels.subscriberCount('a'), 1)
  })

  t.test('has the position in all of them in each event, so that EventSource resumes them', async (t) => {
    const app = await startService(t)
    const kept = await idOf(app, 'a', 1)
    const events = await stream(t, app, '/a,b,c?since=earliest,,x:3', EVENT_STREAM)
    const seen = [await events.nextEvent(), await events.nextEvent(), await events.nextEvent(), await events.nextEvent()]
    t.match(seen[0], { event: 'subscribed', id: /^[^,]+:0,now,x:3$/ })
    t.match(seen[1], { id: `${kept},now,x:3`, data: /"message":1/ })
    const last = seen.at(-1)?.['id'] ?? ''
    t.match(last, /^[^,]+:1,[^,]+:0,[^,]+:0$/)
    const id = await idOf(app, 'b', 2)
    const event = await events.nextEvent()
    t.strictSame(Object.keys(event), ['data', 'id'], 'one event, whose data is the same for all')
    t.equal(event['id']?.split(',')[1], id)
    await idOf(app, 'a', 3)
    const cursor = event['id'] ?? ''
    const again = await stream(t, app, '/a,b,c', EVENT_STREAM, { 'last-event-id': cursor })
    const resumed = [await again.nextEvent(), await again.nextEvent(), await again.nextEvent(), await again.nextEvent()]
    t.strictSame(resumed.filter(({ data = '' }) => data.includes('"message"')).map(({ data = '' }) => (JSON.parse(data) as { message: number }).message), [3])
    t.ok(resumed.every(({ data = '' }) => !data.includes('"recovered":false')))
  })

  t.test('is one of lines as well, with the same events', async (t) => {
    const app = await startService(t)
    const lines = await stream(t, app, '/a,-?channels=b', LINES)
    t.match([await lines.nextLine(), await lines.nextLine(), await lines.nextLine()], [
      { channel: '-', event: 'refused', close: 1008 }, { channel: 'a', event: 'subscribed' }, { channel: 'b', event: 'subscribed' }
    ])
    await publish(app, 'b', 1)
    t.match(await lines.nextLine(), { channel: 'b', message: 1 })
  })

  t.test('is answered with an error where no channel is admitted, and for JSON', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    assertError(t, await ask(app, '/a,-', { headers: { accept: EVENT_STREAM } }), 401, 'MSG_ERR_TOKEN_REQUIRED')
    assertError(t, await ask(app, `/a,b?token=${goodJwt({ subscribe: ['c'] })}`, { headers: { accept: LINES } }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    assertError(t, await ask(app, '/a,b'), 400, 'MSG_ERR_CHANNEL_INVALID')
    const many = Array.from({ length: 33 }, (_, index) => `c${index}`).join(',')
    assertError(t, await ask(app, `/a?channels=${many}`, { headers: { accept: EVENT_STREAM } }), 400, 'MSG_ERR_QUERY_INVALID')
    const head = await ask(app, `/a,b?token=${goodJwt()}`, { method: 'HEAD', headers: { accept: EVENT_STREAM } })
    t.match(head, { status: 200, headers: { 'content-type': /event-stream/ }, text: '' })
  })

  t.test('ends when a channel is refused for now, so that EventSource comes back for all', async (t) => {
    const app = await startService(t, { MAX_SUBSCRIPTIONS: '1' })
    const events = await stream(t, app, '/a,b', EVENT_STREAM)
    const seen = [await events.nextEvent(), await events.nextEvent()]
    t.match(seen.find(({ event }) => event === 'refused'), { data: /MSG_ERR_FULL/, id: /now$/ })
    await events.closed
    await eventually(() => app.channels.subscriberCount('a') === 0, { message: 'its channels are left' })
  })

  t.test('loses the channel whose token expires', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET, PUBLIC_CHANNELS: 'news' })
    const lines = await stream(t, app, `/a,news?token=${goodJwt({ exp: seconds(2) })}`, LINES)
    await lines.nextLine()
    await lines.nextLine()
    t.match(await lines.nextLine(), { channel: 'a', event: 'refused', code: 'MSG_ERR_TOKEN_EXPIRED', close: 4401 })
    await publish(app, 'news', 1)
    t.match(await lines.nextLine(), { channel: 'news', message: 1 })
  })
})

