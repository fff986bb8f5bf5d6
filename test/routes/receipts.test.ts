import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { hubOf } from '../../src/channels/registry.js'
import { eventually } from '../eventually.js'
import messenger from '../../src/index.js'
import { type Answer, createHost, port, post, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { subscribe, type Subscription } from '../sockets.js'
import { EVENT_STREAM, LINES, stream } from '../streams.js'

/** Publishes and prefers to wait. */
async function wait (app: FastifyInstance, prefer: string | string[], channel = 'room', body: object = { message: 1 }): Promise<Answer> {
  return await post(app, `/send/${channel}`, body, { prefer })
}

/** A WebSocket that takes frames; it stands in its channels. */
async function converse (t: Test, app: FastifyInstance, path = '/room?frames'): Promise<Subscription> {
  const subscription = await subscribe(t, app, path)
  await subscription.take(path.split(',').length)
  return subscription
}

/** Acknowledges every message that asks for it, as a client does; resolves with nothing, ever. */
function acknowledge (subscription: Subscription): void {
  subscription.socket.on('message', (data: Buffer) => {
    const { id, channel, receipt } = JSON.parse(data.toString()) as { id: string, channel: string, receipt?: true }
    if (receipt === true) ack(subscription, id, channel)
  })
}

function ack (subscription: Subscription, id: string, channel = 'room'): void {
  subscription.socket.send(JSON.stringify({ ack: id, channel }))
}

const NUMBERS = ({ body: { received, silent, unable } }: Answer): unknown[] => [received, silent, unable]

t.test('POST /send/:channel with Prefer: wait', async (t) => {
  t.test('answers as soon as every subscriber has acknowledged, with their number and latency', async (t) => {
    const app = await startService(t)
    const subscribers = await Promise.all(Array.from({ length: 3 }, () => converse(t, app)))
    for (const subscriber of subscribers) acknowledge(subscriber)
    const start = performance.now()
    const { status, headers, body } = await wait(app, 'wait=30')
    const elapsed = performance.now() - start
    t.equal(status, 200)
    t.equal(headers['preference-applied'], 'wait=30')
    t.strictSame(Object.keys(body), ['status', 'id', 'subscribers', 'received', 'silent', 'unable', 'latencyMs'])
    t.match(body, { status: 'Message sent', subscribers: 3, received: 3, silent: 0, unable: 0 })
    const { p50, max } = body['latencyMs'] as { p50: number, max: number }
    t.ok(p50 > 0 && p50 <= max && max <= elapsed, `${p50} ≤ ${max} ≤ ${elapsed}`)
    t.match(await subscribers[0]?.nextText(), /^\{"channel":"room","message":1,"receipt":true,"time":\d+,"id":"[^"]+"\}$/)
  })

  t.test('answers when the time is over, with the silent ones and no latency where nothing was received', async (t) => {
    const app = await startService(t)
    const [deaf, ending] = [await converse(t, app), await converse(t, app)]
    const answer = wait(app, 'wait=1')
    await ending.next()
    ending.socket.terminate()
    const { headers, body } = await answer
    t.equal(headers['preference-applied'], 'wait=1')
    t.strictSame(Object.keys(body), ['status', 'id', 'subscribers', 'received', 'silent', 'unable'])
    t.match(body, { subscribers: 2, received: 0, silent: 2, unable: 0 })
    t.equal(hubOf(app.channels).receipts.waits, 0)
    t.equal(hubOf(app.channels).receipts.size, 0)
    ack(deaf, String(body['id']))
  })

  t.test('counts as unable what is no WebSocket with frames, and answers at once without any', async (t) => {
    const app = await startService(t)
    await Promise.all([subscribe(t, app, '/room'), subscribe(t, app, '/room,other'), stream(t, app, '/room', EVENT_STREAM), stream(t, app, '/room', LINES)])
    await eventually(() => app.channels.subscriberCount('room') === 4, { message: 'all four are there' })
    t.strictSame(NUMBERS(await wait(app, 'wait=30')), [0, 0, 4])
    t.strictSame(NUMBERS(await wait(app, 'wait=30', 'empty')), [0, 0, 0])
  })

  t.test('counts a subscription that ends first as silent, however it ends, and waits for it no longer', async (t) => {
    const app = await startService(t)
    const ends: ((subscription: Subscription) => void)[] = [
      (subscription) => { subscription.socket.send('{"unsubscribe":"room"}') },
      (subscription) => { subscription.socket.send('{"subscribe":"room"}') },
      (subscription) => { subscription.socket.close() }
    ]
    for (const end of ends) {
      const subscription = await converse(t, app)
      const answer = wait(app, 'wait=30')
      const { id } = await subscription.next()
      end(subscription)
      // Of the subscription before.
      if (subscription.socket.readyState === subscription.socket.OPEN) ack(subscription, id)
      t.strictSame(NUMBERS(await answer), [0, 1, 0])
      await subscription.end()
      await eventually(() => app.channels.subscriberCount('room') === 0, { message: 'it is gone' })
    }
  })

  t.test('takes the first acknowledgement of each subscription, of this message alone', async (t) => {
    const app = await startService(t)
    const [first, second, both] = [await converse(t, app), await converse(t, app), await converse(t, app, '/room,other?frames')]
    const answer = wait(app, 'wait=30')
    const { id } = await first.next()
    for (const text of [
      { ack: id, channel: 'other' }, { ack: `${id}0`, channel: 'room' }, { ack: id }, { ack: 1, channel: 'room' }, { ack: id, channel: 'room', x: '' }, { ack: '', channel: '' },
      { ack: id, channel: 'constructor' }, { ack: '__proto__', channel: 'room' }
    ]) both.socket.send(JSON.stringify(text))
    for (let times = 0; times < 3; times++) ack(first, id)
    await both.next()
    ack(both, id)
    t.equal(hubOf(app.channels).receipts.waits, 1, 'it still waits for the second')
    ack(second, id)
    t.strictSame(NUMBERS(await answer), [3, 0, 0])
    t.equal(hubOf(app.channels).receipts.size, 0)
  })

  t.test('asks for no receipt on replay, and ignores an acknowledgement of one', async (t) => {
    const app = await startService(t)
    const deaf = await converse(t, app)
    const answer = wait(app, 'wait=1')
    const { id } = await deaf.next()
    const late = await subscribe(t, app, '/room?frames&since=earliest')
    await late.next()
    t.match(await late.nextText(), /^\{"channel":"room","message":1,"time":\d+,"id":"[^"]+"\}$/)
    ack(late, id)
    t.strictSame(NUMBERS(await answer), [0, 1, 0])
  })

  t.test('tells every live subscriber of the receipt, and none without the preference', async (t) => {
    const app = await startService(t)
    const plain = await subscribe(t, app, '/room')
    const events = await stream(t, app, '/room', EVENT_STREAM)
    await eventually(() => app.channels.subscriberCount('room') === 2, { message: 'both are there' })
    await wait(app, 'wait=1')
    t.match(await plain.next(), { message: 1, receipt: true })
    await events.nextEvent()
    t.match((await events.nextEvent())['data'], '"receipt":true')
    await post(app, '/send/room', { message: 2 })
    t.match(await plain.nextText(), /^\{"channel":"room","message":2,"time":\d+,"id":"[^"]+"\}$/)
  })

  t.test('takes the header as RFC 7240 has it', async (t) => {
    const app = await startService(t)
    for (const prefer of ['respond-async, wait=5', 'wait="5"; x', ['return=minimal', 'wait=5']]) {
      t.equal((await wait(app, prefer)).headers['preference-applied'], 'wait=5', String(prefer))
    }
    for (const prefer of ['wait', 'wait=0', 'wait=31', 'wait=x, wait=5', 'foo; wait=5', 'respond-async']) {
      const { status, headers, body } = await wait(app, prefer)
      t.equal(status, 200)
      t.equal(headers['preference-applied'], undefined, prefer)
      t.strictSame(Object.keys(body), ['status', 'id', 'subscribers'], prefer)
    }
  })

  t.test('answers duplicates, batches and errors as without it', async (t) => {
    const app = await startService(t)
    await converse(t, app)
    const send = (message: number): Promise<Answer> => post(app, '/send/room', { message }, { prefer: 'wait=1', 'idempotency-key': 'k' })
    const [first, second] = await Promise.all([send(1), send(1)])
    t.strictSame([NUMBERS(first), first.headers['preference-applied']], [[0, 1, 0], 'wait=1'])
    t.strictSame(Object.keys(second.body), ['status', 'id', 'subscribers', 'duplicate'])
    t.equal(second.headers['preference-applied'], undefined)
    t.equal((await send(2)).status, 422)
    const batch = await post(app, '/send', { messages: [{ channel: 'room', message: 1 }] }, { prefer: 'wait=30' })
    t.strictSame(Object.keys((batch.body['results'] as object[])[0] ?? {}), ['channel', 'id', 'subscribers'])
    t.equal(batch.headers['preference-applied'], undefined)
    t.equal(hubOf(app.channels).receipts.waits, 0)
  })

  t.test('answers at once when the app closes, with the receipts until then', async (t) => {
    const app = await startService(t)
    const [first] = [await converse(t, app), await converse(t, app)]
    const answer = wait(app, 'wait=30')
    ack(first, (await first.next()).id)
    await eventually(() => first.unread === 0 && hubOf(app.channels).receipts.waits === 1, { message: 'it waits' })
    const start = performance.now()
    const closing = app.close()
    const { headers, body } = await answer
    t.ok(performance.now() - start < 10_000)
    t.equal(headers['preference-applied'], 'wait=30')
    t.equal(Number(body['received']) + Number(body['silent']), 2)
    await closing
  })

  t.test('frees the place of a publisher that hangs up', async (t) => {
    const app = await startService(t)
    const deaf = await converse(t, app)
    const { receipts } = hubOf(app.channels)
    const publisher = publishing(app)
    await deaf.next()
    await eventually(() => receipts.waits === 1, { message: 'it waits' })
    publisher.destroy()
    await eventually(() => receipts.waits === 0 && receipts.size === 0, { message: 'nothing waits' })
  })
})

t.test('POST /send/:channel with Prefer: wait in a host', async (t) => {
  t.test('does not wait for a publisher that has hung up before', async (t) => {
    const app = createHost(t)
    let arrived = 0
    app.addHook('preHandler', async (request) => {
      if (request.method !== 'POST') return
      arrived++
      await once(request.raw.socket, 'close')
    })
    await app.register(messenger, { token: TOKEN, drainMs: 1_000 })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const subscriber = await subscribe(t, app, '/room')
    const publisher = publishing(app)
    await eventually(() => arrived === 1, { message: 'the request is there' })
    publisher.destroy()
    t.match(await subscriber.next(), { message: 1, receipt: true }, 'it is published all the same')
    await eventually(() => hubOf(app.channels).receipts.waits === 0, { message: 'nothing waits' })
  })
})

/** A publisher that waits, and whose connection the test ends. */
function publishing (app: FastifyInstance): ClientRequest {
  const outgoing = request({ port: port(app), method: 'POST', path: '/send/room', headers: publishHeaders({ prefer: 'wait=30' }), agent: false })
  outgoing.on('error', () => undefined)
  outgoing.end('{"message":1}')
  return outgoing
}

t.test('An acknowledgement', async (t) => {
  t.test('adds 256 bytes to what the client may send, for each message that asks for one', async (t) => {
    const app = await startHost(t, { maxReceivedBytes: 1_024 })
    const subscriber = await converse(t, app)
    const ids: string[] = []
    for (let count = 0; count < 40; count++) {
      const answer = app.channels.publish('room', count, { waitMs: 30_000 })
      const { id } = await subscriber.next()
      ids.push(id)
      subscriber.socket.send(JSON.stringify({ ack: id, channel: 'room' }).padEnd(240))
      t.match(await answer, { received: 1, silent: 0 })
    }
    // As much as was allowed and not used, and then more.
    for (let count = 0; count < 20; count++) subscriber.socket.send(' '.repeat(100))
    t.strictSame(await subscriber.closed, { code: 1008, reason: 'sends too much' })
  })
})

t.test('app.channels.publish() with waitMs', async (t) => {
  t.test('resolves with the receipts', async (t) => {
    const app = await startHost(t)
    acknowledge(await converse(t, app))
    await subscribe(t, app, '/room')
    const publication = await app.channels.publish('room', 1, { waitMs: 30_000 })
    t.match(publication, { subscribers: 2, received: 1, silent: 0, unable: 1 })
    t.match(publication.latencyMs, { p50: publication.latencyMs?.max as number })
    t.strictSame(Object.keys(await app.channels.publish('room', 1, { waitMs: null } as unknown as { waitMs: number })), ['id', 'subscribers'])
  })

  t.test('rejects other times, and publishes nothing', async (t) => {
    const app = await startHost(t)
    for (const waitMs of [0, 0.5, -1, 30_001, NaN, Infinity, '5', true, {}, 1n]) {
      await t.rejects(app.channels.publish('room', 1, { waitMs: waitMs as number }), { code: 'MSG_ERR_WAIT_INVALID', statusCode: 400, message: /1 to 30,000/ })
    }
    t.match((await app.channels.publish('room', 1, { waitMs: 1.5 })).id, /:1$/)
  })

  t.test('does not wait for more than 1,000 subscribers, nor for more than 1,000 publishers', async (t) => {
    const app = await startHost(t)
    await converse(t, app)
    const waiting = Array.from({ length: 1_000 }, () => app.channels.publish('room', 1, { waitMs: 30_000 }))
    t.strictSame(Object.keys(await app.channels.publish('room', 1, { waitMs: 30_000 })), ['id', 'subscribers'])
    await app.close()
    t.match(await Promise.all(waiting), Array.from({ length: 1_000 }, () => ({ received: 0, silent: 1 })))
  })
})
