import t from 'tap'
import { LIMITS } from '../../src/limits/limit-counters.js'
import { ask, assertError, publishHeaders, startService, TOKEN } from '../helper.js'
import { subscribe } from '../sockets.js'

t.test('GET /-/limits', async (t) => {
  t.test('answers with the number of connections and the hits of each limit', async (t) => {
    const app = await startService(t, { MAX_URL_BYTES: '256' })
    await subscribe(t, app, '/room')
    t.equal((await ask(app, `/room?${'x'.repeat(256)}`)).status, 414)
    const { status, body } = await ask(app, '/-/limits', { headers: publishHeaders() })
    t.equal(status, 200)
    t.strictSame(body, { connections: 1, hits: { ...Object.fromEntries(LIMITS.map((name) => [name, 0])), maxUrlBytes: 1 } })
  })

  t.test('answers only with a token of the operator', async (t) => {
    const app = await startService(t)
    assertError(t, await ask(app, '/-/limits'), 401, 'MSG_ERR_TOKEN_MISSING')
    assertError(t, await ask(app, '/-/limits', { headers: { authorization: 'Bearer wrong' } }), 403, 'MSG_ERR_TOKEN_INVALID')
  })

  t.test('is not a channel for a WebSocket', async (t) => {
    const app = await startService(t)
    const { closed } = await subscribe(t, app, '/-/limits', { headers: { authorization: `Bearer ${TOKEN}` } })
    t.match(await closed, { code: 1008, reason: 'MSG_ERR_CHANNEL_INVALID' })
  })
})
