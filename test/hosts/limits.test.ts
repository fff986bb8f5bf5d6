import t from 'tap'
import type { RouteOptions } from 'fastify'
import messenger from '../../src/index.js'
import { ask, createHost, TOKEN } from '../helper.js'
import { EVENT_STREAM, stream } from '../streams.js'
import { eventually } from '../eventually.js'

t.test('a host that limits what its routes may take', async (t) => {
  t.test('cuts neither quiet streams nor long polls, and its own connections as before', async (t) => {
    const app = createHost(t, { connectionTimeout: 300, handlerTimeout: 200 })
    app.get('/slow', async () => { await new Promise<never>(() => {}) })
    await app.register(messenger, { prefix: '/rt', token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const [events, poll] = [await stream(t, app, '/rt/room', EVENT_STREAM), ask(app, '/rt/room?wait=60')]
    await eventually(() => app.channels.subscriberCount('room') === 2)
    // Both times have passed when it is answered.
    t.equal((await ask(app, '/slow')).status, 503)
    await ask(app, '/rt/other?wait=1')
    t.equal(app.channels.subscriberCount('room'), 2)
    await app.channels.publish('room', 'hello')
    t.match((await poll).body, { messages: [{ message: 'hello' }] })
    await events.nextEvent()
    t.match((await events.nextEvent())['data'], 'hello')
  })

  t.test('exempts the routes from a rate limit for all, as each of them asks', async (t) => {
    const app = createHost(t)
    const limited: string[] = []
    // As @fastify/rate-limit decides it.
    app.addHook('onRoute', ({ url, config }: RouteOptions) => { if ((config as { rateLimit?: unknown } | undefined)?.rateLimit !== false) limited.push(url) })
    await (app).register(messenger, { prefix: '/rt', token: TOKEN, page: true })
    app.get('/host', async () => await Promise.resolve('host'))
    await app.ready()
    t.strictSame([...new Set(limited)], ['/host'])
  })
})
