import fastifyStatic from '@fastify/static'
import t from 'tap'
import messenger from '../../src/index.js'
import { publicDirectory } from '../../src/public-files.js'
import { ask, createHost, publishHeaders, TOKEN } from '../helper.js'
import { subscribe } from '../sockets.js'

const INSTANCE = ['access', 'limits', 'origins', 'webSockets', 'routeMethods', 'verifyPublisher', 'verifyOperator', 'assertMaySend', 'verifyBearerAuth', 'verifyBearerAuthFactory', 'websocketServer', 'injectWS']
const REQUEST = ['sender', 'ws', 'grant', 'channel']
const REPLY = ['download', 'helmet', 'cspNonce', 'sender']

t.test('a host that has names of its own', async (t) => {
  t.test('keeps them, and the messenger works', async (t) => {
    const app = createHost(t)
    for (const name of INSTANCE) app.decorate(name, () => 'the host')
    for (const name of REQUEST) app.decorateRequest(name, null)
    for (const name of REPLY.filter((name) => name !== 'download')) app.decorateReply(name, null)
    await app.register(fastifyStatic, { root: publicDirectory, prefix: '/static/' })
    await app.register(messenger, { prefix: '/rt', token: TOKEN, page: true, drainMs: 500 })
    app.get('/sender', async (request) => await Promise.resolve({ sender: (request as unknown as { sender: unknown }).sender }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const subscription = await subscribe(t, app, '/rt/room')
    t.equal((await ask(app, '/rt/send/room', { method: 'POST', headers: publishHeaders(), body: '{"message":1}' })).status, 200)
    t.match(await subscription.next(), { message: 1 })
    t.strictSame((await ask(app, '/sender')).body, { sender: null })
    for (const path of ['/rt/', '/rt/client.js', '/static/client.js']) t.equal((await ask(app, path)).status, 200, path)
    for (const name of INSTANCE) t.equal((app as unknown as Record<string, () => string>)[name]?.(), 'the host', name)
  })

  t.test('finds none of the messenger but channels', async (t) => {
    const app = createHost(t)
    const before = new Set([...Object.keys(app)])
    await app.register(messenger, { prefix: '/rt', token: TOKEN })
    await app.ready()
    t.strictSame(Object.keys(app).filter((name) => !before.has(name)), ['channels'])
    for (const name of [...INSTANCE, ...REQUEST, ...REPLY, 'sendFile']) {
      t.notOk(app.hasDecorator(name), name)
      t.notOk(app.hasRequestDecorator(name), name)
      t.notOk(app.hasReplyDecorator(name), name)
    }
  })

  t.test('is told what is wrong when it registers the messenger twice', async (t) => {
    const app = createHost(t)
    await app.register(messenger, { prefix: '/a' })
    await t.rejects(async () => { await app.register(messenger, { prefix: '/b' }) }, { code: 'MSG_ERR_CONFIG_INVALID', message: /app\.channels already.*scope of its own/ })
  })
})
