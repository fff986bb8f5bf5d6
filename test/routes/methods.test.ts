import t from 'tap'
import { ask, assertError, publish, publishHeaders, startHost, startService } from '../helper.js'
import { refusal } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'

t.test('a method that a path does not have', async (t) => {
  t.test('is answered with 405 and those that it has, under a prefix, too', async (t) => {
    for (const [app, prefix] of [[await startService(t), ''], [await startHost(t, { prefix: '/rt' }), '/rt']] as const) {
      for (const [method, path, allow] of [
        ['POST', '/room', 'GET, HEAD, OPTIONS'], ['DELETE', '/room', 'GET, HEAD, OPTIONS'], ['PUT', '/send', 'GET, HEAD, OPTIONS, POST'], ['GET', '/send/room', 'OPTIONS, POST'],
        ['GET', '/-/tokens', 'POST'], ['POST', '/-/live', 'GET, HEAD'], ['PATCH', '/client.js', 'GET, HEAD']
      ] as const) {
        const answer = await ask(app, prefix + path, { method })
        assertError(t, answer, 405, 'MSG_ERR_METHOD_NOT_ALLOWED', `${method} ${path}`)
        t.equal(answer.headers.allow, allow)
      }
      t.match(await refusal(t, app, `${prefix}/send/room`), { code: 1008 })
    }
  })
})

t.test('HEAD /:channel', async (t) => {
  t.test('has the headers of the answer and does not subscribe', async (t) => {
    const app = await startService(t)
    for (const accept of [EVENT_STREAM, LINES, 'application/json']) {
      const { status, headers, text } = await ask(app, '/room', { method: 'HEAD', headers: { accept } })
      t.equal(status, 200)
      t.match(headers['content-type'], accept)
      t.equal(text, '')
    }
    t.strictSame([...app.channels], [])
    t.equal((await ask(app, '/.invalid', { method: 'HEAD' })).status, 400)
  })
})

t.test('a name that is no channel', async (t) => {
  t.test('has one code on every transport', async (t) => {
    for (const [app, prefix] of [[await startService(t), ''], [await startHost(t, { prefix: '/rt' }), '/rt']] as const) {
      for (const [name, code, status] of [['healthz', 'MSG_ERR_CHANNEL_RESERVED', 404], ['favicon.ico', 'MSG_ERR_CHANNEL_RESERVED', 404], ['a'.repeat(101), 'MSG_ERR_CHANNEL_INVALID', 400]] as const) {
        for (const accept of [EVENT_STREAM, LINES, 'application/json']) assertError(t, await ask(app, `${prefix}/${name}`, { headers: { accept } }), status, code)
        assertError(t, await ask(app, `${prefix}/send/${name}`, { method: 'POST', headers: publishHeaders(), body: '{"message":1}' }), 400, code)
        t.match(await refusal(t, app, `${prefix}/${name}`), { code: 1008, reason: code })
      }
      t.match((await ask(app, `${prefix}/livez`)).body['message'], /\/-\/live and \/-\/ready/)
      t.match(await refusal(t, app, `${prefix}/client.js`), { code: 1008, reason: 'MSG_ERR_CHANNEL_RESERVED' })
      t.equal((await ask(app, `${prefix}/${'%61'.repeat(100)}`)).body['channel'], 'a'.repeat(100))
    }
  })
})

t.test('what clients of others send', async (t) => {
  t.test('resumes a stream by lastEventId and lastEventID, which win over since; an empty one is none', async (t) => {
    const app = await startService(t)
    const ids: string[] = []
    for (const message of [1, 2, 3]) ids.push(String((await publish(app, 'room', message)).body['id']))
    for (const query of [`lastEventId=${ids[1]}`, `lastEventID=${ids[1]}&since=earliest`, `since=${ids[1]}&lastEventId=`]) {
      t.match(await (await stream(t, app, `/room?${query}`, EVENT_STREAM)).nextEvent(), { event: 'subscribed', id: ids[1] }, query)
    }
    t.match(await (await stream(t, app, '/room?since=', EVENT_STREAM)).nextEvent(), { event: 'subscribed', id: ids[2] })
  })

  t.test('gets ndjson by every name of it', async (t) => {
    const app = await startService(t)
    for (const accept of ['application/ndjson', 'application/jsonl', 'application/x-jsonlines', 'application/jsonl, */*;q=0.1']) {
      t.match((await stream(t, app, '/room', accept)).response.headers['content-type'], LINES)
    }
  })

  t.test('is 415 where it is compressed, and delivers nothing', async (t) => {
    const app = await startService(t)
    for (const [encoding, status] of [['gzip', 415], ['br', 415], ['identity, gzip', 415], ['identity', 200]] as const) {
      t.equal((await ask(app, '/send/room', { method: 'POST', headers: publishHeaders({ 'content-encoding': encoding }), body: '{"message":1}' })).status, status, encoding)
    }
    t.match((await ask(app, '/room')).body, { messages: { length: 1 } })
  })
})
