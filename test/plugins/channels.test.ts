import t from 'tap'
import { ask, startHost } from '../helper.js'

t.test('the channels of an app whose Redis cannot be reached', async (t) => {
  t.test('refuse messages and say so, and the app starts all the same', async (t) => {
    const app = await startHost(t, { redis: 'redis://127.0.0.1:1' })
    t.notOk(app.channels.ready)
    t.notOk(app.channels.closing)
    await t.rejects(app.channels.publish('room', 1), { code: 'MSG_ERR_ENGINE_UNAVAILABLE', statusCode: 503 })
    t.equal(app.channels.subscriberCount('room'), 0)
    for (const path of ['/room', '/room?wait=1']) t.match(await ask(app, path), { status: 503, headers: { 'retry-after': /^\d+$/ } })
  })
})
