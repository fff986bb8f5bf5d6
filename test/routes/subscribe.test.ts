import t from 'tap'
import { WebSocket } from 'ws'
// Loaded with the file: its many parts are transpiled one by one, which takes longer than a plugin may take to start.
import '../../src/brokers/redis/redis.js'
import messenger from '../../src/index.js'
import { hubOf } from '../../src/channels/registry.js'
import { ask, assertError, countConnections, createHost, ID, publish, startHost, startService, TOKEN } from '../helper.js'
import { connectRaw, refusal, subscribe } from '../sockets.js'
import { eventually } from '../eventually.js'
import { untimedText } from '../envelopes.js'

t.test('GET /:channel as a WebSocket', async (t) => {
  t.test('gets each message as one text frame with its channel and its id, and nothing else', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room')
    const answers = [await publish(app, 'room', 'one'), await publish(app, 'room', { two: 2 })]
    const [one, two] = [await subscription.nextText(), await subscription.nextText()]
    t.equal(untimedText(one), `{"channel":"room","message":"one","id":"${String(answers[0]?.body['id'])}"}`)
    t.equal(untimedText(two), `{"channel":"room","message":{"two":2},"id":"${String(answers[1]?.body['id'])}"}`)
    t.equal(subscription.unread, 0)
  })

  t.test('gets new messages only', async (t) => {
    const app = await startService(t)
    await publish(app, 'room', 'before')
    const subscription = await subscribe(t, app, '/room')
    await publish(app, 'room', 'after')
    t.match(await subscription.next(), { message: 'after', id: /:2$/ })
  })

  t.test('is told first where it stands, when it gave since', async (t) => {
    const app = await startService(t)
    const idle = await subscribe(t, app, '/room?since=now')
    const { id: empty, ...event } = await idle.next()
    t.strictSame(event, { channel: 'room', event: 'subscribed', recovered: true })
    t.match(empty, /^[A-Za-z0-9_-]+:0$/)
    const { body } = await publish(app, 'room', 'hello')
    t.match(await idle.next(), { message: 'hello', id: body['id'] })
    const late = await subscribe(t, app, '/room?since=now')
    t.strictSame(await late.next(), { channel: 'room', event: 'subscribed', id: body['id'], recovered: true })
    t.match(String(body['id']), ID)
  })

  t.test('resumes after an id, also after the position of an idle channel', async (t) => {
    const app = await startService(t)
    const idle = await subscribe(t, app, '/room?since=now')
    const { id: position } = await idle.next()
    await idle.end()
    const ids: string[] = []
    for (const message of [1, 2, 3]) ids.push(String((await publish(app, 'room', message)).body['id']))
    const [whole, rest] = [await subscribe(t, app, `/room?since=${position}`), await subscribe(t, app, `/room?since=${String(ids[1])}`)]
    t.match(await whole.take(4), [{ event: 'subscribed', id: position, recovered: true }, { message: 1 }, { message: 2 }, { message: 3 }])
    t.match(await rest.take(2), [{ event: 'subscribed', id: ids[1], recovered: true }, { message: 3 }])
    t.match(await (await subscribe(t, app, '/room?since=earliest')).take(2), [{ event: 'subscribed', id: position }, { message: 1 }])
  })

  t.test('is told that its position is not available, then gets all that is kept', async (t) => {
    const app = await startService(t, { HISTORY_SIZE: '2' })
    const first = String((await publish(app, 'room', 1)).body['id'])
    for (const message of [2, 3, 4]) await publish(app, 'room', message)
    const expired = await subscribe(t, app, `/room?since=${first}`)
    t.match(await expired.take(3), [{ event: 'subscribed', id: first.replace(/1$/, '2'), recovered: false, reason: 'expired' }, { message: 3 }, { message: 4 }])
    const other = await subscribe(t, app, '/room?since=other:1')
    t.match(await other.take(3), [{ event: 'subscribed', recovered: false, reason: 'epoch' }, { message: 3 }, { message: 4 }])
  })

  t.test('is closed with 1008 where there is no channel', async (t) => {
    const app = await startService(t)
    const paths = [
      '/', '//', '/.room', '/%20', '/a%20b', '/a%2Fb', '/r%C3%B6%C3%B6m', '/%F0%9F%8E%89', '/room%00', `/${'a'.repeat(101)}`, `/${'a'.repeat(4_000)}`, '/a/b', '/room/', '/send/room',
      '/client.js', '/client%2Ejs', '/client.mjs', '/index.html', '/-', '/-/live', '/-/ready', '/-/other'
    ]
    for (const path of paths) t.match(await refusal(t, app, path), { code: 1008, reason: /^MSG_ERR_CHANNEL_(INVALID|RESERVED)$/ }, path)
    t.strictSame([...app.channels], [])
  })

  t.test('is closed with 1008 when since is not a position', async (t) => {
    const app = await startService(t)
    for (const since of ['yesterday', '1', ':1', 'e:', 'e:01', 'e:-1', 'e:1:1', 'NOW', 'now&since=now', 'e:99999999999999999999', '%00', 'e:1%20']) {
      t.strictSame(await refusal(t, app, `/room?since=${since}`), { code: 1008, reason: 'MSG_ERR_SINCE_INVALID' }, since)
    }
    t.strictSame([...app.channels], [])
  })

  t.test('ignores a query that it does not know', async (t) => {
    const app = await startService(t)
    const subscription = await subscribe(t, app, '/room?token=x&foo[bar]=1&%zz&__proto__=1')
    await publish(app, 'room', 'hello')
    t.match(await subscription.next(), { message: 'hello' })
  })

  t.test('decodes the name of the channel', async (t) => {
    const app = await startService(t)
    const subscriptions = [await subscribe(t, app, '/a%3Ab'), await subscribe(t, app, '/%61:b'), await subscribe(t, app, '/a:b')]
    t.strictSame([...app.channels], ['a:b'])
    t.equal((await publish(app, 'a:b', 'hello')).body['subscribers'], 3)
    for (const subscription of subscriptions) t.match(await subscription.next(), { channel: 'a:b', message: 'hello' })
  })

  t.test('takes the longest name, and names that objects inherit', async (t) => {
    const app = await startService(t)
    const names = ['a'.repeat(100), '__proto__', 'constructor', 'toString', 'send', 'Az09_.:@=+~-']
    for (const name of names) {
      const subscription = await subscribe(t, app, `/${name}`)
      await publish(app, name, 'hello')
      t.match(await subscription.next(), { channel: name, message: 'hello' })
    }
    t.strictSame([...app.channels], names)
  })
})

t.test('a channel', async (t) => {
  t.test('exists while it has subscribers, however they leave', async (t) => {
    const app = await startService(t)
    const { channels } = app
    t.strictSame([...channels], [])
    const [polite, rude, kept] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room'), await subscribe(t, app, '/kept')]
    t.strictSame([...channels], ['room', 'kept'])
    t.equal(channels.subscriberCount('room'), 2)
    await polite.end()
    await eventually(() => channels.subscriberCount('room') === 1)
    rude.socket.terminate()
    await eventually(() => channels.subscriberCount('room') === 0)
    t.strictSame([...channels], ['kept'])
    t.equal((await publish(app, 'room', 'nobody')).body['subscribers'], 0)
    await kept.end()
    await eventually(() => [...channels].length === 0)
  })

  t.test('leaves nothing behind after many came and went', async (t) => {
    const app = await startService(t)
    for (let round = 0; round < 20; round++) {
      const subscriptions = await Promise.all(Array.from({ length: 20 }, (_, index) => subscribe(t, app, `/room${index}`)))
      await Promise.all(subscriptions.map((subscription) => subscription.end()))
    }
    await eventually(() => [...app.channels].length === 0)
    await eventually(async () => await countConnections(app) === 0)
  })
})

t.test('what a subscriber sends', async (t) => {
  t.test('is ignored, whatever it is', async (t) => {
    const app = await startService(t)
    const [sender, other] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room')]
    for (const data of ['hello', '{"message":"hello"}', '', Buffer.from([0, 255]), 'x'.repeat(4_096)]) sender.socket.send(data)
    const pong = new Promise((resolve) => { sender.socket.once('pong', resolve) })
    sender.socket.ping()
    await pong
    await publish(app, 'room', 'sentinel')
    for (const subscription of [sender, other]) t.match(await subscription.next(), { message: 'sentinel', id: /:1$/ })
  })

  t.test('ends its connection when a frame is too large', async (t) => {
    const app = await startService(t)
    const [sender, other] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room')]
    sender.socket.send('x'.repeat(4_097))
    t.match(await sender.closed, { code: 1009 })
    await eventually(() => app.channels.subscriberCount('room') === 1)
    await publish(app, 'room', 'hello')
    t.match(await other.next(), { message: 'hello' })
  })

  t.test('ends its connection with 1008 when it is more than a subscriber has to say', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 300 })
    const [sender, other] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room')]
    await eventually(() => {
      const isClosed = sender.socket.readyState !== WebSocket.OPEN
      if (!isClosed) sender.socket.send('x'.repeat(4_000))
      return isClosed
    }, { everyTurn: true, message: 'the close of the sender' })
    t.match(await sender.closed, { code: 1008 })
    await eventually(() => app.channels.subscriberCount('room') === 1)
    await app.channels.publish('room', 'hello')
    t.match(await other.next(), { message: 'hello' })
  })

  t.test('ends its own connection alone when it breaks the protocol', async (t) => {
    const app = await startService(t)
    const [sender, other] = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room')]
    const { _socket: connection } = sender.socket as unknown as { _socket: NodeJS.WritableStream }
    connection.write(Buffer.from([0x81, 0x01, 0x78]))
    t.match(await sender.closed, { code: 1002 })
    await publish(app, 'room', 'hello')
    t.match(await other.next(), { message: 'hello' })
  })
})

t.test('GET /:channel as a plain request', async (t) => {
  t.test('is refused with 400 where there is no channel', async (t) => {
    const app = await startService(t)
    for (const [path, code] of [['/.room', 'MSG_ERR_CHANNEL_INVALID'], ['/a%20b', 'MSG_ERR_CHANNEL_INVALID'], [`/${'a'.repeat(101)}`, 'MSG_ERR_CHANNEL_INVALID'], ['/%E0%A4%A', 'MSG_ERR_URL_INVALID']] as const) {
      assertError(t, await ask(app, path), 400, code, path)
    }
  })
})

t.test('GET /:channel that cannot be served', async (t) => {
  t.test('closes a WebSocket with 1013 and logs an unexpected error', async (t) => {
    const logged: string[] = []
    const app = createHost(t, { logger: { level: 'error', stream: { write: (line) => { logged.push(line) } } } })
    // A host that breaks what the route reads.
    app.addHook('preHandler', (request, _reply, done) => {
      request.query = { get since () { throw new Error('nobody foresaw this') } }
      done()
    })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.match(await refusal(t, app, '/room'), { code: 1013 })
    t.match(logged, [/nobody foresaw this.*stack/])
  })

  t.test('refuses a WebSocket for which the host decided only after the app began to close', async (t) => {
    let decide: (allowed: boolean) => void = () => undefined
    const app = await startHost(t, { authorize: async () => await new Promise<boolean>((resolve) => { decide = resolve }) })
    const subscription = await subscribe(t, app, '/room')
    await hubOf(app.channels).close()
    decide(true)
    t.match(await subscription.closed, { code: 1013, reason: 'MSG_ERR_CLOSED' })
  })

  t.test('answers a long poll that waits for the engine with 503 and MSG_ERR_CLOSED when the app closes', async (t) => {
    const app = await startHost(t, { redis: 'redis://127.0.0.1:1' })
    const answer = ask(app, '/room?wait=60')
    await eventually(() => [...app.channels].length === 1)
    await hubOf(app.channels).close()
    assertError(t, await answer, 503, 'MSG_ERR_CLOSED')
  })

  t.test('answers 503 when all that may be in flight is taken by answers that the same address does not read', async (t) => {
    const MEBIBYTE = 1024 ** 2
    // The least that there may be is room for two of the largest bodies, which have 16 MiB.
    const app = await startHost(t, { maxBytesInFlight: MEBIBYTE, maxMessageBytes: 8 * MEBIBYTE })
    for (const [channel, size] of [['unread', 6], ['unread', 6], ['room', 7], ['room', 7]] as const) await app.channels.publish(channel, 'x'.repeat(size * MEBIBYTE))
    for (let count = 0; count < 2; count++) {
      const connection = await connectRaw(t, app)
      connection.write('GET /unread HTTP/1.1\r\nHost: test\r\n\r\n')
      t.match(await connection.readHead(), /^HTTP\/1.1 200 /)
      connection.socket.pause()
    }
    assertError(t, await ask(app, '/room'), 503, 'MSG_ERR_FULL')
    t.equal(app.channels.limits.get('maxBytesInFlight'), 1)
    t.match((await ask(app, '/room?limit=1')).body, { messages: { length: 1 } })
  })
})
