import bearerAuth from '@fastify/bearer-auth'
import fastifyStatic from '@fastify/static'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
// Loaded with the file: its many parts are transpiled one by one, which takes longer than a plugin may take to start.
import '../src/brokers/redis/redis.js'
import messenger, { errors, type MessengerOptions, messenger as named, RawJson } from '../src/index.js'
import { publicDirectory } from '../src/public-files.js'
import { rejection } from './codes.js'
import { Opcode } from './frames.js'
import { ask, assertError, countConnections, createHost, GOING_AWAY, ID, publishHeaders, startHost, TOKEN } from './helper.js'
import { refusal, subscribe, Subscription, upgradeRaw } from './sockets.js'
import { turn } from './eventually.js'
import { untimed, untimedText } from './envelopes.js'

const OPTIONS: MessengerOptions = { prefix: '/rt', token: TOKEN, drainMs: 1_000 }

async function listen (app: FastifyInstance): Promise<void> {
  await app.listen({ port: 0, host: '127.0.0.1' })
}

/** Publishes over HTTP under a prefix and sees the message arrive. */
async function assertWorks (t: Test, app: FastifyInstance, prefix = '/rt', registry = app.channels): Promise<void> {
  const subscription = await subscribe(t, app, `${prefix}/room`)
  const answer = await ask(app, `${prefix}/send/room`, { method: 'POST', headers: publishHeaders(), body: '{"message":{"n":null}}' })
  t.match(answer, { status: 200, body: { status: 'Message sent', id: ID, subscribers: 1 } })
  t.strictSame(untimed(await subscription.next()), { channel: 'room', message: { n: null }, id: answer.body['id'] })
  const { id } = await registry.publish('room', { n: null })
  t.strictSame(untimed(await subscription.next()), { channel: 'room', message: { n: null }, id })
  t.match(await refusal(t, app, `${prefix}/.invalid`), { code: 1008 })
  assertError(t, await ask(app, `${prefix}/send/room`, { method: 'POST', headers: publishHeaders(), body: '{}' }), 400, 'MSG_ERR_MESSAGE_MISSING')
  assertError(t, await ask(app, `${prefix}/send/room`, { method: 'POST', headers: publishHeaders({ authorization: 'Bearer wrong' }), body: '{}' }), 403, 'MSG_ERR_TOKEN_INVALID')
  t.equal((await ask(app, `${prefix}/client.js`)).status, 200)
  t.equal((await ask(app, `${prefix}/-/ready`)).status, 200)
  await subscription.end()
}

/** Checks what subscribers are told by an app that closes. */
async function assertGoingAway (t: Test, ...subscriptions: Subscription[]): Promise<void> {
  for (const { closed } of subscriptions) {
    const { code, reason } = await closed
    t.ok(GOING_AWAY.includes(code), `closed with ${code} ${reason}`)
  }
}

t.test('the package', async (t) => {
  t.test('has the plugin as its default and by name, its errors and RawJson', async (t) => {
    t.equal(messenger, named)
    t.match(new errors.ClosedError(), { code: 'MSG_ERR_CLOSED', statusCode: 503 })
    t.equal(new RawJson('1').text, '1')
  })
})

t.test('the plugin', async (t) => {
  t.test('works under a prefix', async (t) => {
    await assertWorks(t, await startHost(t, OPTIONS))
  })

  t.test('works under a prefix of several segments, and without one', async (t) => {
    await assertWorks(t, await startHost(t, { ...OPTIONS, prefix: '/api/v1/rt' }), '/api/v1/rt')
    await assertWorks(t, await startHost(t, { token: TOKEN }), '')
  })

  t.test('works in a scope of the host that has a prefix of its own', async (t) => {
    const app = createHost(t)
    let scoped: FastifyInstance | undefined
    await app.register(async (scope) => {
      await scope.register(messenger, OPTIONS)
      scoped = scope
    }, { prefix: '/api' })
    await listen(app)
    t.equal(app.hasDecorator('channels'), false)
    await assertWorks(t, app, '/api/rt', scoped?.channels)
  })

  t.test('takes several tokens, and without one refuses to publish over HTTP but not in process', async (t) => {
    const rotating = await startHost(t, { token: ['old', 'new'] })
    for (const token of ['old', 'new']) {
      t.equal((await ask(rotating, '/send/room', { method: 'POST', headers: publishHeaders({ authorization: `Bearer ${token}` }), body: '{"message":1}' })).status, 200)
    }
    const app = createHost(t)
    await app.register(messenger)
    await listen(app)
    for (const token of ['default-secret', 'undefined', TOKEN]) {
      assertError(t, await ask(app, '/send/room', { method: 'POST', headers: publishHeaders({ authorization: `Bearer ${token}` }), body: '{"message":1}' }), 403, 'MSG_ERR_TOKEN_INVALID')
    }
    t.match(await app.channels.publish('room', 1), { id: ID })
  })

  t.test('can be tried with inject and injectWS', async (t) => {
    const app = createHost(t)
    await app.register(websocket)
    await app.register(messenger, OPTIONS)
    await app.ready()
    const messages: unknown[] = []
    const socket = await app.injectWS('/rt/room', {}, { onInit (socket) { socket.on('message', (data: Buffer) => { messages.push(JSON.parse(data.toString())) }) } })
    const arrived = new Promise((resolve) => { socket.once('message', resolve) })
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/rt/send/room', headers: { authorization: `Bearer ${TOKEN}` }, payload: { message: 'hello' } })
    t.equal(statusCode, 200)
    const { id } = JSON.parse(body) as { id: string }
    await arrived
    t.strictSame(messages.map(untimed), [{ channel: 'room', message: 'hello', id }])
    socket.terminate()
  })

  t.test('decorates the app with its channels, and with nothing else that a host would see', async (t) => {
    const app = createHost(t)
    await app.register(messenger, OPTIONS)
    await app.ready()
    t.equal(app.hasDecorator('channels'), true)
    for (const decorator of ['verifyPublisher', 'verifyBearerAuth', 'verifyBearerAuthFactory', 'sendFile']) t.equal(app.hasDecorator(decorator), false, decorator)
    t.equal(app.hasReplyDecorator('sendFile'), false)
    t.equal(app.hasPlugin('fastify-messenger'), true)
    t.equal(app.hasPlugin('@fastify/bearer-auth'), false)
    t.equal(app.hasPlugin('@fastify/static'), false)
  })

  t.test('keeps the channels of two apps apart', async (t) => {
    const [one, other] = [await startHost(t), await startHost(t)]
    const subscription = await subscribe(t, one, '/room')
    await other.channels.publish('room', 'not for one')
    await one.channels.publish('room', 'for one')
    t.match(await subscription.next(), { message: 'for one', id: /:1$/ })
  })
})

t.test('the plugin with wrong options', async (t) => {
  t.test('is refused with MSG_ERR_CONFIG_INVALID, which names the option, its rule and the value', async (t) => {
    const wrong: [options: object, message: RegExp][] = [
      [{ tokn: 'x' }, /^Option tokn is unknown: known are prefix, page, /],
      [{ maxMessageBytes: 0 }, /^Option maxMessageBytes must be an integer from 1 to \d+, but is 0$/],
      [{ maxMessageBytes: '1000' }, /^Option maxMessageBytes must be an integer from 1 to \d+, but is "1000"$/],
      [{ pingIntervalMs: 1.5 }, /^Option pingIntervalMs must be an integer .*but is 1.5$/],
      [{ prefix: 'rt' }, /^Option prefix must be a path like .*, but is "rt"$/],
      [{ prefix: '/rt/' }, /^Option prefix must be a path like .*, but is "\/rt\/"$/],
      [{ page: 'yes' }, /^Option page must be true or false, but is "yes"$/],
      [{ historySize: null }, /^Option historySize must be an integer .*, but is null$/],
      [{ drainMs: NaN }, /^Option drainMs must be an integer /]
    ]
    for (const [options, message] of wrong) {
      const app = createHost(t)
      await t.rejects(async () => { await app.register(messenger, options) }, { code: 'MSG_ERR_CONFIG_INVALID', message }, JSON.stringify(options))
    }
  })

  t.test('never tells the value of a token', async (t) => {
    for (const token of ['se cret', 'secrét', ['good', 'se,cret'], { secret: true }, 12_345_678, ['secret', 'secret '], [['secret']]]) {
      const app = createHost(t)
      const error = await app.register(messenger, { token: token as string }).then(() => undefined, (error: unknown) => error as Error)
      t.match(error, { code: 'MSG_ERR_CONFIG_INVALID', message: /^Option token must be a token, or a list/ })
      t.notMatch(error?.message, /cret|secr|12345678/)
    }
  })
})

t.test('a host with a life of its own', async (t) => {
  t.test('keeps its routes, hooks, error format and 404', async (t) => {
    const app = createHost(t)
    const seen: string[] = []
    app.addHook('onRequest', async (request) => { seen.push(`onRequest ${request.url}`) })
    app.addHook('onSend', async (_request, reply, payload) => { reply.header('x-host', 'yes'); return payload })
    app.setErrorHandler((error: Error, _request, reply) => reply.code(418).send({ oops: error.message }))
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ lost: true }))
    await app.register(messenger, OPTIONS)
    app.get('/host', async () => ({ host: true }))
    app.get('/fails', async () => { throw new Error('the host failed') })
    app.post('/fails', async () => ({ body: true }))
    await listen(app)
    t.match(await ask(app, '/host'), { status: 200, headers: { 'x-host': 'yes' }, body: { host: true } })
    t.strictSame(await ask(app, '/fails').then(({ status, body }) => ({ status, body })), { status: 418, body: { oops: 'the host failed' } })
    for (const path of ['/nothing', '/client.js', '/rt', '/-/live']) t.strictSame((await ask(app, path)).body, { lost: true }, path)
    t.match(await ask(app, '/fails', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }), { status: 418, body: { oops: /./ } })
    t.match(await ask(app, '/fails', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' }), { status: 418 })
    await assertWorks(t, app)
    t.ok(seen.includes('onRequest /rt/room'), 'its hooks see the requests of the messenger, too')
  })

  t.test('keeps its validation, which coerces and strips, and the messenger is not subject to it', async (t) => {
    const app = createHost(t, { ajv: { customOptions: { coerceTypes: true, removeAdditional: 'all' } } })
    await app.register(messenger, OPTIONS)
    app.post('/host', { schema: { body: { type: 'object', properties: { n: { type: 'integer' } } } } }, async ({ body }) => ({ body }))
    await listen(app)
    const answer = await ask(app, '/host', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":"7","more":1}' })
    t.strictSame(answer.body, { body: { n: 7 } })
    await assertWorks(t, app)
  })

  t.test('keeps its validator, serializer and schema compilers', async (t) => {
    const app = createHost(t)
    const validated: unknown[] = []
    app.setValidatorCompiler(() => (data: unknown) => { validated.push(data); return true })
    app.setSerializerCompiler(() => () => '{"serialized":"by the host"}')
    app.setReplySerializer(() => '{"replied":"by the host"}')
    await app.register(messenger, OPTIONS)
    app.post('/host', { schema: { body: { type: 'object' }, response: { 200: { type: 'object' } } } }, async () => ({ a: 1 }))
    app.get('/plain', async () => ({ a: 1 }))
    await listen(app)
    const answer = await ask(app, '/host', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' })
    t.match(answer.body, { replied: 'by the host' })
    t.strictSame((await ask(app, '/plain')).body, { replied: 'by the host' })
    t.strictSame(validated, [{ a: 1 }])
    await assertWorks(t, app)
    t.strictSame(validated, [{ a: 1 }], 'no message went through the validator of the host')
  })

  t.test('keeps its content type parsers, and the messenger parses for itself', async (t) => {
    const app = createHost(t)
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => { done(null, { parsed: 'by the host', length: body.length }) })
    app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => { done(null, { csv: body }) })
    app.addContentTypeParser('*', (_request, _payload, done) => { done(null, { anything: true }) })
    await app.register(messenger, OPTIONS)
    app.post('/host', async ({ body }) => ({ body }))
    await listen(app)
    const post = async (type: string): Promise<unknown> => (await ask(app, '/host', { method: 'POST', headers: { 'content-type': type }, body: '{"a":1}' })).body['body']
    t.strictSame(await post('application/json'), { parsed: 'by the host', length: 7 })
    t.strictSame(await post('text/csv'), { csv: '{"a":1}' })
    t.strictSame(await post('text/other'), { anything: true })
    assertError(t, await ask(app, '/rt/send/room', { method: 'POST', headers: publishHeaders({ 'content-type': 'text/csv' }), body: '{"message":1}' }), 415, 'MSG_ERR_MEDIA_TYPE')
    await assertWorks(t, app)
  })

  t.test('keeps its body limit, and the messenger has its own', async (t) => {
    const app = createHost(t, { bodyLimit: 100 })
    await app.register(messenger, OPTIONS)
    app.post('/host', async () => ({ ok: true }))
    await listen(app)
    const body = JSON.stringify({ message: 'x'.repeat(1_000) })
    t.equal((await ask(app, '/host', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status, 413)
    t.equal((await ask(app, '/rt/send/room', { method: 'POST', headers: publishHeaders(), body })).status, 200)
  })

  t.test('guards its own routes with its own bearer-auth, in a scope or at the root', async (t) => {
    const keys = new Set(['host-key'])
    const scoped = createHost(t)
    await scoped.register(messenger, OPTIONS)
    await scoped.register(async (scope) => {
      await scope.register(bearerAuth, { keys })
      scope.get('/host', async () => ({ host: true }))
    })
    scoped.get('/open', async () => ({ open: true }))
    const atRoot = createHost(t)
    await atRoot.register(bearerAuth, { keys, addHook: false })
    await atRoot.register(messenger, OPTIONS)
    // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- its types say that it may be missing
    atRoot.get('/host', { onRequest: atRoot.verifyBearerAuth! }, async () => ({ host: true }))
    atRoot.get('/open', async () => ({ open: true }))
    for (const app of [scoped, atRoot]) {
      await listen(app)
      t.equal((await ask(app, '/open')).status, 200)
      t.equal((await ask(app, '/host')).status, 401)
      t.equal((await ask(app, '/host', { headers: { authorization: `Bearer ${TOKEN}` } })).status, 401)
      t.equal((await ask(app, '/host', { headers: { authorization: 'Bearer host-key' } })).status, 200)
      assertError(t, await ask(app, '/rt/send/room', { method: 'POST', headers: publishHeaders({ authorization: 'Bearer host-key' }), body: '{"message":1}' }), 403, 'MSG_ERR_TOKEN_INVALID')
      await assertWorks(t, app)
    }
  })

  t.test('serves its own files with @fastify/static, whichever comes first', async (t) => {
    for (const first of [true, false]) {
      const app = createHost(t)
      const serveFiles = async (): Promise<void> => { await app.register(fastifyStatic, { root: publicDirectory, prefix: '/files/' }) }
      if (first) await serveFiles()
      await app.register(messenger, OPTIONS)
      if (!first) await serveFiles()
      app.get('/page', async (_request, reply) => await reply.sendFile('index.html'))
      await listen(app)
      t.match(await ask(app, '/page'), { status: 200, headers: { 'content-type': /^text\/html/ } })
      t.equal((await ask(app, '/files/client.js')).status, 200)
      await assertWorks(t, app)
    }
  })

  t.test('has WebSockets of its own, from before the messenger or from after it', async (t) => {
    for (const before of [true, false]) {
      const app = createHost(t)
      if (before) await app.register(websocket, { options: { maxPayload: 100_000 } })
      await app.register(messenger, OPTIONS)
      if (!before) await app.register(websocket, { options: { maxPayload: 100_000 } })
      app.get('/echo', { websocket: true }, (socket) => { socket.on('message', (data: Buffer) => { socket.send(data.toString()) }) })
      await listen(app)
      const echo = await subscribe(t, app, '/echo')
      const sent = 'x'.repeat(50_000)
      echo.socket.send(sent)
      t.equal(await echo.nextText(), sent)
      await assertWorks(t, app)
      t.strictSame([...app.channels], [])
      await echo.end()
    }
  })

  t.test('handles the errors of its own WebSockets', async (t) => {
    const app = createHost(t)
    const handled: string[] = []
    await app.register(websocket, { errorHandler (error, socket) { handled.push(error.message); socket.close(4000, 'host') } })
    await app.register(messenger, OPTIONS)
    app.get('/fails', { websocket: true }, () => { throw new Error('the host failed') })
    await listen(app)
    t.match(await refusal(t, app, '/fails'), { code: 4000, reason: 'host' })
    t.strictSame(handled, ['the host failed'])
    t.match(await refusal(t, app, '/rt/.invalid'), { code: 1008 })
  })

  t.test('answers unforeseen errors of the messenger\'s routes with its own error handler', async (t) => {
    const app = createHost(t)
    app.setErrorHandler((error: Error, _request, reply) => reply.code(418).send({ oops: error.message }))
    app.addHook('preHandler', async (request) => { if (request.url === '/rt/send/fails') throw new Error('the host failed') })
    await app.register(messenger, OPTIONS)
    await listen(app)
    t.match(await ask(app, '/rt/send/fails', { method: 'POST', headers: publishHeaders(), body: '{"message":1}' }), { status: 418, body: { oops: 'the host failed' } })
  })
})

t.test('the plugin registered twice', async (t) => {
  t.test('in one scope is refused with an error that says why', async (t) => {
    const app = createHost(t)
    await app.register(messenger, { prefix: '/a' })
    t.match(await rejection(Promise.resolve(app.register(messenger, { prefix: '/b' }))), /^(FST_ERR_DEC_ALREADY_PRESENT|MSG_ERR_)/)
  })

  t.test('in two scopes works side by side, with channels of their own', async (t) => {
    const app = createHost(t)
    const scopes: FastifyInstance[] = []
    for (const prefix of ['/a', '/b']) {
      await app.register(async (scope) => {
        await scope.register(messenger, { ...OPTIONS, prefix })
        scopes.push(scope)
      })
    }
    await listen(app)
    const [one, other] = scopes
    await assertWorks(t, app, '/a', one?.channels)
    await assertWorks(t, app, '/b', other?.channels)
    const [a, b] = [await subscribe(t, app, '/a/x'), await subscribe(t, app, '/b/x')]
    await one?.channels.publish('x', 'for a')
    await other?.channels.publish('x', 'for b')
    t.match(await a.next(), { message: 'for a' })
    t.match(await b.next(), { message: 'for b' })
    await app.close()
    await assertGoingAway(t, a, b)
  })
})

t.test('app.channels', async (t) => {
  t.test('has its public members and no others', async (t) => {
    const { channels } = await startHost(t)
    const prototype = Object.getPrototypeOf(channels) as object
    t.strictSame([...Reflect.ownKeys(channels), ...Reflect.ownKeys(prototype)].map(String).sort(), ['Symbol(Symbol.iterator)', 'constructor', 'events', 'limits', 'list', 'members', 'publish', 'publishAll', 'subscriberCount'])
    t.strictSame(Reflect.ownKeys(channels.limits), ['get'])
  })

  t.test('publishes in process with the semantics of HTTP', async (t) => {
    const app = await startHost(t)
    const subscription = await subscribe(t, app, '/room')
    const first = await app.channels.publish('room', { n: null, list: [0, false, ''] })
    t.strictSame(Object.keys(first), ['id', 'subscribers'])
    t.match(first, { id: ID, subscribers: 1 })
    t.strictSame(untimed(await subscription.next()), { channel: 'room', message: { n: null, list: [0, false, ''] }, id: first.id })
    const second = await app.channels.publish('room', new RawJson('12345678901234567890'))
    t.equal(untimedText(await subscription.nextText()), `{"channel":"room","message":12345678901234567890,"id":"${second.id}"}`)
  })

  t.test('rejects with the codes of HTTP', async (t) => {
    const app = await startHost(t, { maxMessageBytes: 100 })
    const cases: [channel: string, message: unknown][] = [['.room', 1], ['client.js', 1], ['room', undefined], ['room', null], ['room', ''], ['room', 'x'.repeat(99)], ['a/b', 1]]
    for (const [channel, message] of cases) {
      const { body } = await ask(app, `/send/${channel}`, { method: 'POST', headers: publishHeaders(), body: JSON.stringify({ message }) })
      t.match(body['code'], /^MSG_ERR_/)
      t.equal(await rejection(app.channels.publish(channel, message)), body['code'])
    }
  })

  t.test('counts the subscribers and iterates the occupied channels', async (t) => {
    const app = await startHost(t)
    t.strictSame([...app.channels], [])
    t.equal(app.channels.subscriberCount('room'), 0)
    await subscribe(t, app, '/room')
    await subscribe(t, app, '/room')
    await subscribe(t, app, '/other')
    t.strictSame([...app.channels].sort(), ['other', 'room'])
    t.equal(app.channels.subscriberCount('room'), 2)
  })

  t.test('rejects with MSG_ERR_CLOSED once the app is closed', async (t) => {
    const app = await startHost(t)
    await app.close()
    t.equal(await rejection(app.channels.publish('room', 1)), 'MSG_ERR_CLOSED')
    t.strictSame([...app.channels], [])
    t.equal(app.channels.subscriberCount('room'), 0)
  })
})

t.test('an app in a worker of a cluster', async (t) => {
  t.test('is warned that nothing is shared with the other workers, unless it has Redis', async (t) => {
    t.intercept(cluster, 'isWorker', { value: true })
    const logged: string[] = []
    const create = (): FastifyInstance => createHost(t, { logger: { level: 'warn', stream: { write: (line) => { logged.push(line) } } } })
    await create().register(messenger, OPTIONS)
    t.match(logged, [/worker of a cluster: without REDIS_URL/])
    await create().register(messenger, { ...OPTIONS, redis: 'redis://127.0.0.1:1' })
    t.notMatch(logged.slice(1).join(''), /worker of a cluster/)
  })
})

t.test('app.close', async (t) => {
  t.test('tells subscribers that the app goes away, after all that was acknowledged', async (t) => {
    const app = await startHost(t)
    const subscriptions = [await subscribe(t, app, '/room'), await subscribe(t, app, '/room'), await subscribe(t, app, '/other')]
    const published = app.channels.publish('room', 'last words')
    await published
    await app.close()
    await assertGoingAway(t, ...subscriptions)
    for (const subscription of subscriptions.slice(0, 2)) t.match(await subscription.next(), { message: 'last words' })
  })

  t.test('does so also when the host brought @fastify/websocket', async (t) => {
    const app = createHost(t)
    await app.register(websocket)
    await app.register(messenger, OPTIONS)
    await listen(app)
    const subscription = await subscribe(t, app, '/rt/room')
    await app.close()
    await assertGoingAway(t, subscription)
  })

  t.test('does so on every address that localhost stands for', async (t) => {
    const app = createHost(t)
    await app.register(messenger, OPTIONS)
    await app.listen({ port: 0, host: 'localhost' })
    const subscriptions = (app.addresses() as AddressInfo[]).map(({ address, family, port }) => {
      const host = family === 'IPv6' ? `[${address}]` : address
      return new Subscription(`ws://${host}:${port}/rt/room`)
    })
    for (const { opened } of subscriptions) await opened
    t.equal(app.channels.subscriberCount('room'), subscriptions.length)
    await app.close()
    await assertGoingAway(t, ...subscriptions)
  })

  t.test('is not held up by a client that never answers the close', async (t) => {
    for (const own of [true, false]) {
      const app = createHost(t)
      if (own) await app.register(websocket)
      await app.register(messenger, { ...OPTIONS, drainMs: 200 })
      await listen(app)
      const [deaf, stuck, polite] = [await upgradeRaw(t, app, '/rt/room'), await upgradeRaw(t, app, '/rt/room'), await subscribe(t, app, '/rt/room')]
      stuck.socket.pause()
      await app.close()
      t.match(await deaf.readFrame(), { opcode: Opcode.CLOSE })
      await deaf.closed
      await assertGoingAway(t, polite)
      t.equal(await countConnections(app), 0)
    }
  })

  t.test('is not held up by a client that never answers the refusal of its channel', async (t) => {
    const app = await startHost(t, { drainMs: 200 })
    const deaf = await upgradeRaw(t, app, '/.invalid')
    t.match(await deaf.readFrame(), { opcode: Opcode.CLOSE })
    const began = performance.now()
    await app.close()
    // Not the 5 seconds that the answer to a close may take.
    t.ok(performance.now() - began < 4_000, `closed after ${performance.now() - began} ms`)
    await deaf.closed
    t.equal(await countConnections(app), 0)
  })

  t.test('is not held up by connections that ask for nothing', async (t) => {
    const app = await startHost(t)
    const subscription = await subscribe(t, app, '/room')
    const closing = app.close()
    await turn()
    await closing
    await assertGoingAway(t, subscription)
  })

  t.test('can be called twice', async (t) => {
    const app = await startHost(t)
    const subscription = await subscribe(t, app, '/room')
    await Promise.all([app.close(), app.close()])
    await assertGoingAway(t, subscription)
    t.equal(await rejection(app.channels.publish('room', 1)), 'MSG_ERR_CLOSED')
  })
})
