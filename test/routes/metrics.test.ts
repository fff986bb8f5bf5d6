import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { eventually } from '../eventually.js'
import { ask, assertError, publish, startHost, startService, TOKEN } from '../helper.js'
import { parseMetrics } from '../metrics/parse-metrics.js'
import { refusal, subscribe } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'

async function scrape (app: FastifyInstance): Promise<Map<string, number>> {
  const { text } = await ask(app, '/-/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })
  return parseMetrics(text)
}

t.test('GET /-/metrics', async (t) => {
  t.test('needs a token of an operator or for metrics, which opens nothing else', async (t) => {
    const app = await startService(t, { METRICS_TOKEN: 'metrics-token,other' })
    const get = async (token?: string): Promise<Awaited<ReturnType<typeof ask>>> => await ask(app, '/-/metrics', { headers: token === undefined ? {} : { authorization: token } })
    assertError(t, await get(), 401, 'MSG_ERR_TOKEN_MISSING')
    assertError(t, await get('Basic x'), 401, 'MSG_ERR_TOKEN_MISSING')
    assertError(t, await get('Bearer wrong'), 403, 'MSG_ERR_TOKEN_INVALID')
    for (const token of [TOKEN, 'metrics-token', 'other']) t.match(await get(`Bearer ${token}`), { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' } })
    assertError(t, await ask(app, '/-/limits', { headers: { authorization: 'Bearer other' } }), 403, 'MSG_ERR_TOKEN_INVALID')
    assertError(t, await ask(app, '/send/room', { method: 'POST', headers: { authorization: 'Bearer other', 'content-type': 'application/json' }, body: '{"message":1}' }), 403, 'MSG_ERR_TOKEN_INVALID')
  })

  t.test('equals what happened, to the last message, on every transport', async (t) => {
    const app = await startService(t)
    const plain = [await subscribe(t, app, '/a'), await subscribe(t, app, '/a')]
    const several = await subscribe(t, app, '/a,b')
    await several.take(2)
    const events = await stream(t, app, '/a', EVENT_STREAM)
    const both = await stream(t, app, '/a,b', EVENT_STREAM)
    const lines = await stream(t, app, '/b', LINES)
    await events.nextEvent()
    await both.nextEvent()
    await both.nextEvent()
    await lines.nextLine()
    const poll = ask(app, '/a?wait=60&since=now')
    await eventually(async () => (await scrape(app)).get('messenger_connections{transport="poll"}') === 1, { message: 'the poll' })
    const before = await scrape(app)
    t.match(Object.fromEntries(before), {
      'messenger_connections{transport="websocket"}': 3, 'messenger_connections{transport="sse"}': 2,
      'messenger_connections{transport="ndjson"}': 1,
      messenger_channels: 2, messenger_subscriptions: 9,
      messenger_published_total: 0, messenger_delivered_total: 0, messenger_engine_ready: 1
    })
    for (let number = 0; number < 20; number++) await publish(app, 'a', number)
    for (let number = 0; number < 10; number++) await app.channels.publish('b', number)
    await app.channels.publishAll(Array.from({ length: 5 }, (_, message) => ({ channel: 'b', message: message + 100 })))
    for (const one of plain) await one.take(20)
    await several.take(35)
    for (let count = 0; count < 20; count++) await events.nextEvent()
    for (let count = 0; count < 35; count++) await both.nextEvent()
    for (let count = 0; count < 15; count++) await lines.nextLine()
    const { body } = await poll
    const polled = (body['messages'] as unknown[]).length
    const kept = ((await ask(app, '/b?since=earliest')).body['messages'] as unknown[]).length
    const live = 2 * 20 + 35 + 20 + 35 + 15
    t.match(Object.fromEntries(await scrape(app)), {
      messenger_published_total: 35, messenger_publish_seconds_count: 35, messenger_delivered_total: live + polled + kept,
      'messenger_connections{transport="poll"}': 0
    })
  })

  t.test('counts resumes, gaps, refusals, closes and limits', async (t) => {
    const app = await startHost(t, { token: TOKEN, historySize: 2, maxUrlBytes: 256 })
    const ids: string[] = []
    for (let number = 0; number < 5; number++) ids.push((await app.channels.publish('room', number)).id)
    const good = await subscribe(t, app, `/room?since=${String(ids[3])}`)
    await good.take(2)
    await (await subscribe(t, app, `/room?since=${String(ids[0])}`)).take(3)
    await ask(app, '/room?since=other:1')
    await ask(app, `/room?x=${'x'.repeat(300)}`)
    await ask(app, '/send/room', { method: 'POST' })
    await ask(app, '/send', { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })
    t.match(await refusal(t, app, '/.invalid'), { code: 1008 })
    await eventually(async () => (await scrape(app)).get('messenger_closed_total{code="1008"}') === 1, { message: 'the close' })
    t.match(Object.fromEntries(await scrape(app)), {
      'messenger_resumes_total{recovered="true"}': 1, 'messenger_resumes_total{recovered="false"}': 2,
      'messenger_gaps_total{reason="expired"}': 1, 'messenger_gaps_total{reason="epoch"}': 1,
      'messenger_refused_total{code="MSG_ERR_URL_TOO_LONG"}': 1, 'messenger_refused_total{code="MSG_ERR_TOKEN_MISSING"}': 1,
      'messenger_refused_total{code="MSG_ERR_CHANNEL_INVALID"}': 1, 'messenger_limit_hits_total{limit="maxUrlBytes"}': 1
    })
  })

  t.test('has the time until a client has a message, by pings that the client answers by itself', async (t) => {
    const app = await startService(t)
    const [one, several] = [await subscribe(t, app, '/a'), await subscribe(t, app, '/a,b')]
    await several.take(2)
    await app.channels.publish('a', 1)
    await one.next()
    await eventually(async () => (await scrape(app)).get('messenger_delivery_seconds_count') === 2, { message: 'an answer of each' })
    const sum = (await scrape(app)).get('messenger_delivery_seconds_sum') ?? 0
    t.ok(sum > 0 && sum < 10)
  })
})
