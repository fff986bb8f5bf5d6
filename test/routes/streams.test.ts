import t from 'tap'
import { hubOf } from '../../src/channels/registry.js'
import { ask, assertError, publish, startHost, startService } from '../helper.js'
import { connectRaw } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'
import { eventually, turn } from '../eventually.js'
import { untimed, untimedText } from '../envelopes.js'

t.test('GET /:channel as an event stream', async (t) => {
  t.test('says where it stands and gives each message its id, so that EventSource resumes', async (t) => {
    const app = await startService(t)
    const events = await stream(t, app, '/room', EVENT_STREAM)
    t.match(events.response.headers, {
      'content-type': /^text\/event-stream/, 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'access-control-allow-origin': '*'
    })
    t.notOk('connection' in events.response.headers, 'announced to close, its end would be a regular one')
    t.equal(events.response.headers['transfer-encoding'], 'chunked')
    const first = await events.nextEvent()
    t.match(first, { event: 'subscribed', id: /:0$/ })
    t.strictSame(JSON.parse(String(first['data'])), { channel: 'room', event: 'subscribed', id: first['id'], recovered: true })
    const { body } = await publish(app, 'room', { text: 'a\nb' })
    t.equal(body['subscribers'], 1)
    const message = await events.nextEvent()
    t.strictSame(Object.keys(message), ['id', 'data'])
    t.equal(message['id'], body['id'])
    t.equal(untimedText(String(message['data'])), JSON.stringify({ channel: 'room', message: { text: 'a\nb' }, id: body['id'] }))
  })

  t.test('resumes after Last-Event-ID, which wins over since', async (t) => {
    const app = await startService(t)
    const ids: string[] = []
    for (const message of [1, 2, 3]) ids.push(String((await publish(app, 'room', message)).body['id']))
    const events = await stream(t, app, '/room?since=earliest', EVENT_STREAM, { 'last-event-id': ids[1] })
    t.match(await events.nextEvent(), { event: 'subscribed', id: ids[1] })
    t.match(await events.nextEvent(), { id: ids[2] })
    const bySince = await stream(t, app, `/room?since=${String(ids[0])}`, EVENT_STREAM)
    t.match([await bySince.nextEvent(), await bySince.nextEvent()], [{ event: 'subscribed', id: ids[0] }, { id: ids[1] }])
  })

  t.test('announces a gap and goes on with all that is kept', async (t) => {
    const app = await startService(t, { HISTORY_SIZE: '1' })
    const first = String((await publish(app, 'room', 1)).body['id'])
    for (const message of [2, 3]) await publish(app, 'room', message)
    const events = await stream(t, app, '/room', EVENT_STREAM, { 'last-event-id': first })
    t.match(JSON.parse(String((await events.nextEvent())['data'])), { recovered: false, reason: 'expired', id: first.replace(/1$/, '2') })
    t.match(await events.nextEvent(), { id: first.replace(/1$/, '3') })
  })

  t.test('has comments as heartbeats, and a close that spreads reconnections', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const events = await stream(t, app, '/room', EVENT_STREAM)
    await events.nextEvent()
    t.equal(await events.next('\n\n'), ':')
    const closing = hubOf(app.channels).close()
    for (;;) {
      const block = await events.next('\n\n')
      if (block === ':') continue
      t.match(block, /^retry: [1-9]\d{0,3}$/)
      break
    }
    await events.closed
    await closing
  })

  t.test('is refused with 400 for a position that is none, and with 503 while the app closes', async (t) => {
    const app = await startService(t)
    for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
      assertError(t, await ask(app, '/room', { headers: { accept, 'last-event-id': 'nonsense' } }), 400, 'MSG_ERR_SINCE_INVALID')
      assertError(t, await ask(app, '/a%20b', { headers: { accept } }), 400, 'MSG_ERR_CHANNEL_INVALID')
    }
    await hubOf(app.channels).close()
    for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
      const answer = await ask(app, '/room', { headers: { accept } })
      assertError(t, answer, 503, 'MSG_ERR_CLOSED')
      t.match(answer.headers, { 'retry-after': /^\d+$/, 'access-control-allow-origin': '*' })
    }
  })
})

t.test('GET /:channel as ndjson', async (t) => {
  t.test('is one line a message, after one that says where it stands', async (t) => {
    const app = await startService(t)
    const lines = await stream(t, app, '/room', LINES)
    t.match(lines.response.headers, { 'content-type': /^application\/x-ndjson/ })
    t.match(await lines.nextLine(), { channel: 'room', event: 'subscribed', recovered: true })
    const { body } = await publish(app, 'room', [1, { two: 2 }])
    t.strictSame(untimed(await lines.nextLine()), { channel: 'room', message: [1, { two: 2 }], id: body['id'] })
  })

  t.test('has empty lines as heartbeats, and tells a client that asked for them the interval and why it ends', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const [plain, asked] = [await stream(t, app, '/room', LINES), await stream(t, app, '/room?heartbeat=1', LINES)]
    t.notOk('heartbeat' in await plain.nextLine())
    t.match(await asked.nextLine(), { event: 'subscribed', heartbeat: 100 })
    for (const lines of [plain, asked]) t.equal(await lines.next('\n'), '')
    const closing = hubOf(app.channels).close()
    for (;;) {
      const line = await asked.next('\n')
      if (line === '') continue
      t.match(JSON.parse(line), { channel: 'room', event: 'close', code: 1012, reason: /^retry=\d+$/ })
      break
    }
    await Promise.all([plain.closed, asked.closed])
    await t.rejects(async () => { for (;;) t.equal(await plain.next('\n'), '', 'nothing but heartbeats') })
    await closing
  })

  t.test('frees the channel when the client goes', async (t) => {
    const app = await startService(t)
    const lines = await stream(t, app, '/room', LINES)
    t.equal(app.channels.subscriberCount('room'), 1)
    lines.response.destroy()
    await eventually(() => app.channels.subscriberCount('room') === 0)
    t.strictSame([...app.channels], [])
  })

  t.test('is given to clients that speak HTTP/1.0', async (t) => {
    const app = await startService(t)
    const raw = await connectRaw(t, app)
    raw.write('GET /room HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n')
    t.match(await raw.readHead(), /^HTTP\/1\.1 200 /)
    await eventually(() => raw.unread > 0)
  })

  t.test('cuts off a client that stops reading, and no other one', async (t) => {
    const app = await startHost(t, { maxBufferedBytes: 100_000 })
    const [slow, other] = [await stream(t, app, '/room', LINES), await stream(t, app, '/room', LINES)]
    slow.response.pause()
    await other.nextLine()
    let published = 0
    await eventually(async () => {
      await app.channels.publish('room', 'x'.repeat(40_000))
      published++
      t.match((await other.nextLine())['id'], new RegExp(`:${published}$`))
      return app.channels.subscriberCount('room') === 1
    }, { everyTurn: true, message: 'the end of the slow client' })
  })

  t.test('loses and repeats nothing between replay and live while others publish', async (t) => {
    const app = await startHost(t, { historySize: 10_000 })
    let published = 0
    const publishing = (async () => {
      while (published < 3_000) {
        await Promise.all(Array.from({ length: 10 }, () => app.channels.publish('room', ++published)))
        await turn()
      }
    })()
    const streams = await Promise.all([0, 1, 2, 3, 4].map(async () => await stream(t, app, '/room?since=earliest', LINES)))
    await publishing
    for (const lines of streams) {
      await lines.nextLine()
      for (let offset = 1; offset <= 3_000; offset++) {
        const { id } = await lines.nextLine()
        if (Number(String(id).split(':')[1]) !== offset) t.fail(`${String(id)} instead of ${offset}`)
      }
    }
  })
})

t.test('GET /:channel as JSON', async (t) => {
  t.test('answers with what is kept and the id to go on from', async (t) => {
    const app = await startService(t)
    const empty = await ask(app, '/room')
    t.match(empty.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' })
    t.match(empty.body, { channel: 'room', messages: [], id: /:0$/, recovered: true })
    const ids: string[] = []
    for (const message of [1, 2, 3]) ids.push(String((await publish(app, 'room', message)).body['id']))
    const { messages, ...answer } = (await ask(app, '/room')).body
    t.strictSame((messages as unknown[]).map(untimed), ids.map((id, index) => ({ channel: 'room', message: index + 1, id })))
    t.strictSame(answer, { channel: 'room', id: ids[2], recovered: true })
    t.match((await ask(app, '/room?limit=2')).body, { messages: [{ message: 1 }, { message: 2 }], id: ids[1] })
    t.match((await ask(app, `/room?since=${String(ids[1])}`)).body, { messages: [{ message: 3 }], id: ids[2] })
    t.match((await ask(app, '/room?since=now')).body, { messages: [], id: ids[2] })
    t.match((await ask(app, '/room?since=other:7')).body, { messages: { length: 3 }, id: ids[2], recovered: false, reason: 'epoch' })
  })

  t.test('is the answer to whatever asks for nothing else', async (t) => {
    const app = await startService(t)
    for (const accept of ['*/*', 'text/html,*/*;q=0.8', 'application/json', 'application/*', 'image/png', 'constructor', '__proto__, constructor;q=0.5', 'text/event-stream;q=0', `${LINES};q=0.1, application/json`]) {
      t.match((await ask(app, '/room', { headers: { accept } })).headers['content-type'], /^application\/json/, accept)
    }
  })

  t.test('refuses a limit or a wait out of range', async (t) => {
    const app = await startService(t)
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=1&limit=2', 'wait=61', 'wait=-1', 'wait=1.5', 'wait=']) {
      assertError(t, await ask(app, `/room?${query}`), 400, 'MSG_ERR_QUERY_INVALID', query)
    }
  })
})

t.test('GET /:channel?wait', async (t) => {
  t.test('answers at once with what is there', async (t) => {
    const app = await startService(t)
    const first = String((await publish(app, 'room', 1)).body['id'])
    await publish(app, 'room', 2)
    t.match((await ask(app, `/room?wait=60&since=${first}`)).body, { messages: [{ message: 2 }], id: /:2$/, recovered: true })
    t.match((await ask(app, '/room?wait=60&since=earliest&limit=1')).body, { messages: { length: 1 }, id: first })
    t.equal(app.channels.subscriberCount('room'), 0)
  })

  t.test('waits for a message, is counted meanwhile, and goes on without a loss', async (t) => {
    const app = await startService(t, { HISTORY_SIZE: '0' })
    const answer = ask(app, '/room?wait=60')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    const { body } = await publish(app, 'room', 'hello')
    t.equal(body['subscribers'], 1)
    t.match((await answer).body, { messages: [{ message: 'hello' }], id: body['id'], recovered: true })
    await eventually(() => app.channels.subscriberCount('room') === 0)
  })

  t.test('answers with no message and the same position when its time is over', async (t) => {
    const app = await startService(t)
    const { id } = (await ask(app, '/room')).body
    t.match((await ask(app, `/room?wait=1&since=${String(id)}`)).body, { messages: [], id, recovered: true })
  })

  t.test('answers a position that is not available at once', async (t) => {
    const app = await startService(t)
    t.match((await ask(app, '/room?wait=60&since=other:3')).body, { messages: [], recovered: false, reason: 'epoch' })
  })

  t.test('leaves when its client does', async (t) => {
    const app = await startService(t)
    const raw = await connectRaw(t, app)
    raw.write('GET /room?wait=60 HTTP/1.1\r\nHost: test\r\n\r\n')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    raw.socket.destroy()
    await eventually(() => app.channels.subscriberCount('room') === 0)
  })

  t.test('is answered when the app closes', async (t) => {
    const app = await startService(t)
    const answer = ask(app, '/room?wait=60')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    const closing = hubOf(app.channels).close()
    t.match((await answer).body, { messages: [], id: /:0$/ })
    await closing
  })
})
