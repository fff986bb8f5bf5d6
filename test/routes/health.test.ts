import t from 'tap'
import { hubOf } from '../../src/channels/registry.js'
import { ask, startHost, startService } from '../helper.js'
import { subscribe } from '../sockets.js'

t.test('GET /-/live', async (t) => {
  t.test('answers 200', async (t) => {
    const app = await startService(t)
    t.match(await ask(app, '/-/live'), { status: 200, body: { status: 'live' } })
  })
})

t.test('GET /-/ready', async (t) => {
  t.test('answers 200 while messages and subscribers are taken', async (t) => {
    const app = await startService(t)
    t.match(await ask(app, '/-/ready'), { status: 200, body: { status: 'ready' } })
  })

  t.test('answers 503 with Retry-After once the channels are closing', async (t) => {
    const app = await startService(t)
    await hubOf(app.channels).close()
    const { status, headers, body } = await ask(app, '/-/ready')
    t.match({ status, body }, { status: 503, body: { status: 'not ready' } })
    t.match(headers['retry-after'], /^[1-9][0-9]*$/)
    t.match(await ask(app, '/-/live'), { status: 200 })
  })
})

t.test('the paths beside the channels', async (t) => {
  t.test('stay what they are when a channel has a name like them', async (t) => {
    const app = await startService(t)
    await Promise.all(['/live', '/ready', '/send'].map((path) => subscribe(t, app, path)))
    t.strictSame([...app.channels].sort(), ['live', 'ready', 'send'])
    t.equal((await ask(app, '/-/live')).status, 200)
    t.equal((await ask(app, '/-/ready')).status, 200)
  })

  t.test('are under the prefix', async (t) => {
    const app = await startHost(t, { prefix: '/rt' })
    t.equal((await ask(app, '/rt/-/live')).status, 200)
    t.equal((await ask(app, '/rt/-/ready')).status, 200)
    t.equal((await ask(app, '/-/live')).status, 404)
  })
})
