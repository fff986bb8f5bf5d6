import { getEventListeners } from 'node:events'
import t, { type Test } from 'tap'
import { backoff, retryAfterMs } from '../../src/publisher/backoff.js'
import { createPublisher, type Publication, PublishError, type PublisherOptions, type Publisher, RawJson, type RetryEvent } from '../../src/publisher/index.js'
import { eventually } from '../eventually.js'
import { type Asked, type Carried, json, refusal, StubService } from './stub-service.js'

const CLOSED = { statusCode: 503, code: 'MSG_ERR_CLOSED', error: '', message: 'told' }

function create (t: Test, options: Partial<PublisherOptions> = {}): { service: StubService, publisher: Publisher } {
  const service = new StubService()
  const abort = new AbortController()
  t.teardown(() => { abort.abort() })
  return { service, publisher: createPublisher({ server: 'http://127.0.0.1:3000', token: 'secret', fetch: service.fetch, signal: abort.signal, ...options }) }
}

/** Makes pauses short: what is drawn is at most a fiftieth of what it can be. */
function hurry (t: Test): void {
  const { random } = Math
  t.intercept(Math, 'random', { value: () => random() / 50 })
}

/** The error of a publish that has to fail. */
async function failure (publishing: Promise<Publication>): Promise<PublishError> {
  const error: unknown = await publishing.then((publication) => { throw new Error(`published as ${publication.id}`) }, (reason: unknown) => reason)
  if (!(error instanceof PublishError)) throw error
  return error
}

t.test('a publisher', async (t) => {
  t.test('sends what one tick publishes in one request, each message with a key of its own', async (t) => {
    const { service, publisher } = create(t)
    const publications = Promise.all(Array.from({ length: 1_000 }, (_, index) => publisher.publish(`c${index % 10}`, { index })))
    t.equal(publisher.pending, 1_000)
    t.equal((await publications).at(-1)?.id, 'e:100')
    t.equal(publisher.pending, 0)
    t.equal(service.requests.length, 1)
    const [{ url, headers, entries }] = service.requests as [Asked]
    t.equal(url, 'http://127.0.0.1:3000/send')
    t.strictSame(headers, { authorization: 'Bearer secret', 'content-type': 'application/json' })
    t.equal(new Set(entries.map(({ key }) => key)).size, 1_000)
  })

  t.test('sends at most 1,000 messages and maxBodyBytes in one request, and a larger message alone', async (t) => {
    const { service, publisher } = create(t, { maxBodyBytes: 2_000, server: new URL('http://127.0.0.1:3000/rt/') })
    for (let index = 0; index < 1_001; index++) void publisher.publish(`c${index}`, 1)
    void publisher.publish('large', 'x'.repeat(3_000))
    for (let index = 0; index < 3; index++) void publisher.publish('wide', 'ü'.repeat(400))
    await publisher.flush()
    for (const { body, entries } of service.requests) t.ok(entries.length === 1 || Buffer.byteLength(body) <= 2_000)
    t.equal(service.accepted.length, 1_005)
    t.equal(service.requests[0]?.url, 'http://127.0.0.1:3000/rt/send')
    const all = create(t)
    for (let index = 0; index < 1_001; index++) void all.publisher.publish('a', index)
    await all.publisher.flush()
    t.strictSame(all.service.requests.map(({ entries }) => entries.length), [1_000, 1])
  })

  t.test('sends JSON text as it is written', async (t) => {
    const { service, publisher } = create(t)
    await publisher.publish('a', new RawJson(' {"n": 12345678901234567890}\n'))
    t.match(service.requests[0]?.body, '"message":{"n": 12345678901234567890}}')
    t.strictSame(JSON.parse(JSON.stringify(new RawJson('[1]'))), [1])
  })

  t.test('rejects what it would be refused for, with the code of the service and without a request', async (t) => {
    const { service, publisher } = create(t)
    const cases: [unknown, unknown, object, object][] = [
      ['a b', 1, {}, { code: 'MSG_ERR_CHANNEL_INVALID', channel: 'a b', statusCode: 400 }],
      [null, 1, {}, { code: 'MSG_ERR_CHANNEL_INVALID', channel: undefined, message: /Channel null/ }],
      [7, 1, {}, { code: 'MSG_ERR_CHANNEL_INVALID', message: /Channel number/ }],
      ['a', null, {}, { code: 'MSG_ERR_MESSAGE_MISSING', channel: 'a', statusCode: 400 }],
      ['a', undefined, {}, { code: 'MSG_ERR_MESSAGE_MISSING' }],
      ['a', '', {}, { code: 'MSG_ERR_MESSAGE_MISSING' }],
      ['a', new RawJson('{bad'), {}, { code: 'MSG_ERR_MESSAGE_INVALID' }],
      ['a', 1n, {}, { code: 'MSG_ERR_MESSAGE_INVALID', message: /BigInt/ }],
      ['a', { list: new Map([[1, 2]]) }, {}, { code: 'MSG_ERR_MESSAGE_INVALID', message: /\[object Map\] has no JSON form/ }],
      ['a', { toJSON () { throw 'a text' as unknown as Error } }, {}, { code: 'MSG_ERR_MESSAGE_INVALID', message: /a text/ }],
      ['a', 1, { idempotencyKey: '' }, { code: 'MSG_ERR_IDEMPOTENCY_KEY_INVALID', statusCode: 400 }],
      ['a', 1, { idempotencyKey: 'ü' }, { code: 'MSG_ERR_IDEMPOTENCY_KEY_INVALID' }],
      ['a', 1, { waitMs: 0 }, { code: 'MSG_ERR_PUBLISH_OPTION_INVALID', statusCode: undefined }],
      ['a', 1, { waitMs: 30_001 }, { code: 'MSG_ERR_PUBLISH_OPTION_INVALID' }]
    ]
    for (const [channel, message, options, expected] of cases) t.match(await failure(publisher.publish(channel as string, message, options)), { ...expected, maybeDelivered: false, name: 'PublishError' })
    t.equal(service.requests.length, 0)
    await publisher.publish('a', [{}, [], new Uint8Array(1), Object.create(null)])
    t.equal(service.requests.length, 1)
  })

  t.test('refuses options that are invalid, without showing a secret', (t) => {
    const valid = { server: 'http://127.0.0.1:3000', token: 'secret' }
    for (const [options, text] of [
      [{ server: 'localhost:3000' }, /server must be/], [{ server: 'http://user:hush@host' }, /server must be/], [{ server: 'http://host/?a' }, /server must be/], [{ server: undefined }, /server must be/],
      [{ token: 'hush hush' }, /token must be/], [{ token: undefined }, /token must be/], [{ maxPending: 0 }, /maxPending must be an integer from 1/], [{ maxBodyBytes: '1' }, /maxBodyBytes/], [{ maxRequests: 1.5 }, /maxRequests/],
      [{ retryForMs: 270_001 }, /retryForMs must be an integer from 1000 to 270000/], [{ requestTimeoutMs: NaN }, /requestTimeoutMs/], [{ maxPendingBytes: -1 }, /maxPendingBytes/]
    ] as const) {
      t.throws(() => createPublisher({ ...valid, ...options as object }), { name: 'TypeError', message: text })
      t.throws(() => createPublisher({ ...valid, ...options as object }), { message: /^(?!.*hush)/ })
    }
    t.ok(createPublisher(valid))
    t.end()
  })
})

t.test('a repetition', async (t) => {
  t.test('is made with the same key after a network error, 429, 503 and all else that passes', async (t) => {
    const failures = [
      new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) }), refusal(429, 'MSG_ERR_RATE_LIMITED'), refusal(503, 'MSG_ERR_ENGINE_UNAVAILABLE'),
      new Response('<html>', { status: 502 }), new Response('', { status: 504 }), new Response('', { status: 408 }), new Response('', { status: 500 }), new Response('<html>', { status: 200 }), json(200, null), json(200, { results: [] }), json(200, { results: [{}] })
    ]
    const retries: RetryEvent[] = []
    hurry(t)
    const { service, publisher } = create(t, { onRetry: (event) => { retries.push(event) } })
    service.answer = (_asked, number) => failures[number - 1]
    t.equal((await publisher.publish('a', 1)).id, 'e:1')
    t.equal(service.requests.length, failures.length + 1)
    t.equal(new Set(service.requests.flatMap(({ entries }) => entries.map(({ key }) => key))).size, 1)
    t.strictSame(retries.map(({ error }) => error.code), ['MSG_ERR_PUBLISHER_UNREACHABLE', 'MSG_ERR_RATE_LIMITED', 'MSG_ERR_ENGINE_UNAVAILABLE', ...Array<string>(8).fill('MSG_ERR_PUBLISHER_UNREACHABLE')])
    t.strictSame(retries.map(({ error }) => error.statusCode), [undefined, 429, 503, 502, 504, 408, 500, 200, 200, 200, 200])
    t.strictSame(retries.map(({ error }) => error.maybeDelivered), [true, false, true, true, true, true, true, true, true, true, true])
    for (const { messages, delayMs, error } of retries) t.ok(messages === 1 && delayMs >= 0 && delayMs <= 3_000 && error.message !== '')
  })

  t.test('waits for Retry-After, in seconds or as a date, and takes the whole publisher along', async (t) => {
    const { service, publisher } = create(t, { retryForMs: 20_000 })
    const times: number[] = []
    service.answer = (_asked, number) => {
      times.push(performance.now())
      return number === 1 ? refusal(429, 'MSG_ERR_RATE_LIMITED', { 'retry-after': '1' }) : undefined
    }
    const first = publisher.publish('a', 1)
    await service.asked(1)
    await Promise.all([first, publisher.publish('b', 1)])
    t.ok((times[1] ?? 0) - (times[0] ?? 0) >= 999)
    const now = Date.parse('2026-01-01T00:00:00Z')
    for (const [header, ms] of [[null, 0], ['2', 2_000], [' 3 ', 3_000], ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000], ['Thu, 01 Jan 2025 00:00:05 GMT', 0], ['soon', 0], ['-1', 0]] as const) t.equal(retryAfterMs(header, now), ms)
    for (let attempt = 1; attempt < 40; attempt++) t.ok(backoff(attempt) < Math.min(3_000, 100 * 2 ** attempt))
  })

  t.test('never lets a later message of the channel overtake, whatever fails', async (t) => {
    hurry(t)
    let random = 1
    const draw = (): number => (random = random * 48_271 % 2_147_483_647) / 2_147_483_647
    const { service, publisher } = create(t, { maxBodyBytes: 1_024 })
    const known = new Set<string>()
    service.answer = async (asked) => {
      await new Promise((resolve) => { setImmediate(resolve) })
      const fate = draw()
      if (fate < 0.1) return new TypeError('fetch failed')
      if (fate < 0.2) return refusal(503, 'MSG_ERR_CLOSED')
      if (fate < 0.3) return refusal(413, 'MSG_ERR_MESSAGE_TOO_LARGE')
      // From some message of a channel on, as an engine fails.
      const failing = asked.entries.findIndex(() => draw() < 0.02)
      const fails = ({ channel }: Carried, index: number): boolean => index >= failing && channel === asked.entries[failing]?.channel
      const errors = Object.fromEntries(asked.entries.map((entry, index) => [index, fails(entry, index)] as const)
        .filter(([, failed]) => failed).map(([index]) => [index, CLOSED]))
      // Known keys are answered, and not delivered again.
      const response = service.accept({ ...asked, entries: asked.entries.filter((_, index) => errors[index] === undefined) })
      const fresh = service.accepted.splice(service.accepted.length + Object.keys(errors).length - asked.entries.length)
      for (const entry of fresh) if (!known.has(entry.key)) { known.add(entry.key); service.accepted.push(entry) }
      if (fate > 0.9) return new TypeError('lost')
      const { results } = await response.json() as { results: object[] }
      const resultOf = (channel: string, index: number) => errors[index] === undefined ? results.shift() : { channel, error: CLOSED }
      return json(200, { results: asked.entries.map(({ channel }, index) => resultOf(channel, index)) })
    }
    const publications: Promise<Publication>[] = []
    for (let number = 0; number < 600; number++) {
      publications.push(publisher.publish(`c${number % 7}`, number))
      if (number % 20 === 0) await new Promise((resolve) => { setImmediate(resolve) })
    }
    const results = await Promise.allSettled(publications)
    const refused = results.flatMap((result, number) => result.status === 'rejected' ? [number] : [])
    for (let channel = 0; channel < 7; channel++) {
      const seen = service.accepted.filter((entry) => entry.channel === `c${channel}`).map(({ message }) => Number(message))
      t.strictSame(seen, [...seen].sort((one, other) => one - other))
    }
    // A single message was told that it is too large.
    t.equal(new Set(service.accepted.map(({ key }) => key)).size, service.accepted.length)
    t.ok(service.accepted.length >= 600 - refused.length)
    t.ok(service.maxInFlight > 1 && service.maxInFlight <= 4)
  })

  t.test('leaves other channels alone where single messages fail', async (t) => {
    const { service, publisher } = create(t)
    service.answer = (asked, number) => number === 1 ? service.accept(asked, { 0: CLOSED }) : undefined
    const settled: string[] = []
    await Promise.all([
      publisher.publish('slow', 1).then(() => settled.push('slow')),
      publisher.publish('fast', 1).then(async () => {
        settled.push('fast')
        await publisher.publish('fast', 2)
        settled.push('fast')
      })
    ])
    t.equal(settled[0], 'fast')
    t.strictSame(service.accepted.map(({ channel, message }) => `${channel} ${String(message)}`).sort(), ['fast 1', 'fast 2', 'slow 1'])
  })

  t.test('ends before the service forgets the key: says whether the message may have been delivered', async (t) => {
    const refused = new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })
    for (const [answer, maybeDelivered, text] of [
      [refused, false, /not confirmed within 1 s \(the service cannot be reached: ECONNREFUSED\): it was not delivered$/],
      [new TypeError('fetch failed', { cause: new Error('other side closed') }), true, /other side closed\): it may have been delivered, and a repetition now could deliver it twice$/],
      [refusal(503, 'MSG_ERR_CLOSED'), false, /told MSG_ERR_CLOSED/]
    ] as const) {
      const { service, publisher } = create(t, { retryForMs: 1_000 })
      service.answer = () => answer instanceof Response ? answer.clone() : answer
      const start = performance.now()
      const error = await failure(publisher.publish('a', 1))
      t.match(error, { code: 'MSG_ERR_PUBLISH_UNCONFIRMED', channel: 'a', maybeDelivered, message: text, cause: { name: 'PublishError' } })
      t.ok(performance.now() - start < 5_000)
      t.ok(service.requests.length > 1)
    }
  })

  t.test('is given up where it waits behind another one, or for Retry-After, beyond its time', async (t) => {
    const { service, publisher } = create(t, { retryForMs: 1_000, requestTimeoutMs: 60_000 })
    service.answer = (_asked, number) => number === 1 ? new Promise<undefined>(() => {}) : undefined
    const stuck = publisher.publish('a', 1)
    stuck.catch(() => {})
    await service.asked(1)
    const error = await failure(publisher.publish('a', 2))
    t.match(error, { code: 'MSG_ERR_PUBLISH_UNCONFIRMED', maybeDelivered: false, message: 'The message was not confirmed within 1 s: it was not delivered' })
    const limited = create(t, { retryForMs: 1_000 })
    limited.service.answer = () => refusal(429, 'MSG_ERR_RATE_LIMITED', { 'retry-after': '60' })
    t.match(await failure(limited.publisher.publish('a', 1)), { code: 'MSG_ERR_PUBLISH_UNCONFIRMED', statusCode: 429 })
  })

  t.test('has a time limit for each attempt, which never exceeds that of the message', async (t) => {
    const { service, publisher } = create(t, { retryForMs: 1_500, requestTimeoutMs: 200 })
    service.answer = (_asked, number) => number === 1 ? new Promise<undefined>(() => {}) : undefined
    const events: RetryEvent[] = []
    t.equal((await publisher.publish('a', 1)).id, 'e:1')
    const slow = create(t, { retryForMs: 1_000, requestTimeoutMs: 700, onRetry: (event) => { events.push(event) } })
    slow.service.answer = () => new Promise<undefined>(() => {})
    t.match(await failure(slow.publisher.publish('a', 1)), { code: 'MSG_ERR_PUBLISH_UNCONFIRMED', maybeDelivered: true })
    t.match(events[0]?.error.message, 'no answer within 0.7 s')
  })
})

t.test('a refusal', async (t) => {
  t.test('that is final rejects with its code, channel and status', async (t) => {
    for (const [answer, expected] of [
      [refusal(403, 'MSG_ERR_TOKEN_INVALID'), { code: 'MSG_ERR_TOKEN_INVALID', statusCode: 403, message: 'told MSG_ERR_TOKEN_INVALID' }],
      [refusal(409, 'MSG_ERR_CHANNEL_ENDED'), { code: 'MSG_ERR_CHANNEL_ENDED', statusCode: 409 }],
      [new Response('<html>', { status: 404 }), { code: 'MSG_ERR_PUBLISH_REFUSED', statusCode: 404, message: /answered 404/ }],
      [json(401, { code: 1, message: 2 }), { code: 'MSG_ERR_PUBLISH_REFUSED', statusCode: 401 }]
    ] as const) {
      const { service, publisher } = create(t)
      service.answer = () => answer
      const [one, other] = [failure(publisher.publish('a', 1)), failure(publisher.publish('b', 1))]
      t.match(await one, { ...expected, channel: 'a', maybeDelivered: false })
      t.match(await other, { ...expected, channel: 'b' })
      t.equal(service.requests.length, 1)
    }
  })

  t.test('of a whole batch for one of its messages is narrowed down by dividing the batch', async (t) => {
    const { service, publisher } = create(t)
    for (const [status, code] of [[400, 'MSG_ERR_CHANNEL_RESERVED'], [403, 'MSG_ERR_CHANNEL_FORBIDDEN'], [413, 'MSG_ERR_MESSAGE_TOO_LARGE'], [422, 'MSG_ERR_MESSAGE_MISMATCH']] as const) {
      service.accepted.length = 0
      service.answer = (asked) => asked.entries.some(({ message }) => message === 'bad') ? json(status, { statusCode: status, code, message: `Entry ${asked.entries.length - 1}: told` }) : undefined
      const publications = Array.from({ length: 50 }, (_, index) => publisher.publish(`c${index % 5}`, index === 17 ? 'bad' : index))
      const results = await Promise.allSettled(publications)
      t.strictSame(results.flatMap((result, index) => result.status === 'rejected' ? [index] : []), [17])
      t.match(await failure(publications[17] as Promise<Publication>), { code, statusCode: status, channel: 'c2', message: /^told$/ })
      for (let channel = 0; channel < 5; channel++) {
        const seen = service.accepted.filter((entry) => entry.channel === `c${channel}`).map(({ message }) => Number(message))
        t.strictSame(seen, [...seen].sort((one, other) => one - other))
      }
    }
  })

  t.test('for the size of the body makes later bodies smaller', async (t) => {
    const { service, publisher } = create(t)
    service.answer = ({ body }) => body.length > 4_000 ? new Response('', { status: 413 }) : undefined
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 100; index++) void publisher.publish(`c${index}`, 'x'.repeat(50))
      await publisher.flush()
    }
    t.equal(service.accepted.length, 200)
    t.ok(service.requests.slice(-5).every(({ body }) => body.length <= 4_000))
  })

  t.test('of one message is its own, and may come after an attempt that delivered it', async (t) => {
    const { service, publisher } = create(t)
    const gone = { statusCode: 409, code: 'MSG_ERR_CHANNEL_ENDED', message: 'ended' }
    service.answer = (asked, number) => number === 1 ? new TypeError('fetch failed') : service.accept(asked, { 0: gone, 1: {} })
    const [ended, odd, sent] = [publisher.publish('a', 1), publisher.publish('b', 1), publisher.publish('c', 1)]
    odd.catch(() => {})
    t.match(await failure(ended), { code: 'MSG_ERR_CHANNEL_ENDED', statusCode: 409, channel: 'a', maybeDelivered: true })
    t.equal((await sent).id, 'e:1')
    service.answer = () => undefined
    await odd
  })
})

t.test('a signal', async (t) => {
  t.test('aborts one message: in the queue, in a request, or before', async (t) => {
    const { service, publisher } = create(t)
    const [queued, inRequest, other] = [new AbortController(), new AbortController(), new AbortController()]
    const waiting = failure(publisher.publish('a', 1, { signal: queued.signal }))
    queued.abort('changed my mind')
    t.match(await waiting, { code: 'MSG_ERR_PUBLISH_ABORTED', channel: 'a', cause: 'changed my mind', maybeDelivered: false })
    service.answer = () => new Promise<undefined>(() => {})
    const sent = failure(publisher.publish('a', 2, { signal: inRequest.signal }))
    const beside = failure(publisher.publish('b', 2, { signal: other.signal }))
    await service.asked(1)
    inRequest.abort()
    t.match(await sent, { code: 'MSG_ERR_PUBLISH_ABORTED', maybeDelivered: true })
    t.notOk(service.requests[0]?.signal.aborted, 'another message needs the request')
    other.abort()
    await beside
    t.ok(service.requests[0]?.signal.aborted)
    t.match(await failure(publisher.publish('a', 3, { signal: AbortSignal.abort('early') })), { code: 'MSG_ERR_PUBLISH_ABORTED', cause: 'early' })
    let answer = (): void => {}
    service.answer = () => new Promise((resolve) => { answer = () => { resolve(undefined) } })
    const both = new AbortController()
    const [gone, kept] = [failure(publisher.publish('a', 4, { signal: both.signal })), publisher.publish('b', 4)]
    await service.asked(2)
    both.abort()
    answer()
    t.match(await gone, { code: 'MSG_ERR_PUBLISH_ABORTED', maybeDelivered: true })
    t.equal((await kept).id, 'e:1')
    service.answer = () => undefined
    t.equal((await publisher.publish('a', 5)).id, 'e:2')
    t.equal(publisher.pending, 0)
  })

  t.test('of many messages has one listener, for as long as one of them is pending', async (t) => {
    const { service, publisher } = create(t)
    const [abort, later] = [new AbortController(), new AbortController()]
    service.answer = (_asked, number) => number === 1 ? undefined : new Promise<undefined>(() => {})
    const listeners = (): number => getEventListeners(abort.signal, 'abort').length
    await Promise.all(Array.from({ length: 20 }, (_, number) => publisher.publish('a', number, { signal: abort.signal })))
    t.equal(listeners(), 0)
    const aborted = Array.from({ length: 20 }, (_, number) => failure(publisher.publish('a', number, { signal: abort.signal })))
    const kept = failure(publisher.publish('a', 20, { signal: later.signal }))
    t.equal(listeners(), 1)
    abort.abort('all of them')
    for (const error of await Promise.all(aborted)) t.match(error, { code: 'MSG_ERR_PUBLISH_ABORTED', cause: 'all of them' })
    t.equal(publisher.pending, 1)
    later.abort()
    await kept
  })

  t.test('aborts all, closes the publisher, and leaves no timer', async (t) => {
    const abort = new AbortController()
    const { service, publisher } = create(t, { signal: abort.signal })
    service.answer = (asked, number) => number === 1 ? service.accept(asked, { 0: CLOSED }) : number === 2 ? refusal(503, 'MSG_ERR_CLOSED', { 'retry-after': '100' }) : undefined
    const publications = [failure(publisher.publish('a', 1))]
    await service.asked(1)
    publications.push(failure(publisher.publish('b', 1)))
    await service.asked(2)
    await new Promise((resolve) => { setImmediate(resolve) })
    publications.push(failure(publisher.publish('c', 1)))
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    abort.abort('stop')
    for (const publication of publications) t.match(await publication, { code: 'MSG_ERR_PUBLISH_ABORTED', cause: 'stop' })
    await publisher.flush()
    t.match(await failure(publisher.publish('a', 1)), { code: 'MSG_ERR_PUBLISHER_CLOSED', channel: 'a' })
    await eventually(() => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length < before)
    const aborted = createPublisher({ server: 'http://127.0.0.1:3000', token: 'secret', signal: AbortSignal.abort('before') })
    t.match(await failure(aborted.publish('a', 1)), { code: 'MSG_ERR_PUBLISHER_CLOSED' })
  })
})

t.test('close', async (t) => {
  t.test('takes no further messages and waits for those that are pending', async (t) => {
    const { service, publisher } = create(t)
    service.answer = (_asked, number) => number === 1 ? refusal(503, 'MSG_ERR_CLOSED') : undefined
    const publication = publisher.publish('a', 1)
    const closed = publisher.close()
    t.match(await failure(publisher.publish('a', 2)), { code: 'MSG_ERR_PUBLISHER_CLOSED' })
    await closed
    t.equal((await publication).id, 'e:1')
    await publisher.close()
  })
})

t.test('the bounds', async (t) => {
  t.test('are maxPending and maxPendingBytes, beyond which a publish is refused at once', async (t) => {
    const { service, publisher } = create(t, { maxPending: 3 })
    const publications = [1, 2, 3].map((number) => publisher.publish('a', number))
    t.match(await failure(publisher.publish('b', 4)), { code: 'MSG_ERR_PUBLISHER_FULL', channel: 'b', message: /3 messages are pending/ })
    await Promise.all(publications)
    await publisher.publish('b', 5)
    t.strictSame(service.accepted.map(({ message }) => message), [1, 2, 3, 5])
    const small = create(t, { maxPendingBytes: 1_000 })
    const large = small.publisher.publish('a', 'x'.repeat(2_000))
    t.match(await failure(small.publisher.publish('a', 1)), { code: 'MSG_ERR_PUBLISHER_FULL', message: /1000 bytes are pending/ })
    await large
    await small.publisher.publish('a', 1)
  })
})

t.test('the token', async (t) => {
  t.test('may be a function, which is asked for each request, and repeated when it fails', async (t) => {
    let calls = 0
    const { service, publisher } = create(t, {
      token: async () => {
        if (++calls === 1) throw new Error('the issuer is away')
        return calls === 2 ? 'not valid' : `token-${calls}`
      }
    })
    await publisher.publish('a', 1)
    await publisher.publish('a', 2)
    t.strictSame(service.requests.map(({ headers }) => headers['authorization']), ['Bearer token-3', 'Bearer token-4'])
    const none = create(t, { retryForMs: 1_000, token: () => { throw new Error('the issuer is away') } })
    t.match(await failure(none.publisher.publish('a', 1)), { code: 'MSG_ERR_PUBLISH_UNCONFIRMED', maybeDelivered: false, message: /there is no token: the issuer is away/ })
    t.equal(none.service.requests.length, 0)
  })
})

t.test('a failure of the network', async (t) => {
  t.test('is described by whatever the platform has', async (t) => {
    const cases: [Error, string][] = [['a text' as unknown as Error, 'a text'], [new Error('no cause'), 'no cause'], [Object.assign(new Error('x'), { code: 'ConnectionRefused' }), 'ConnectionRefused'], [new TypeError('x', { cause: new Error('inner') }), 'inner']]
    for (const [error, text] of cases) {
      const { publisher } = create(t, { retryForMs: 1_000, fetch: () => { throw error } })
      t.match((await failure(publisher.publish('a', 1))).message, `(the service cannot be reached: ${text})`)
    }
  })
})

t.test('receipts', async (t) => {
  t.test('are asked for in a request of their own, and given as far as the answer has them', async (t) => {
    const { service, publisher } = create(t)
    service.answer = ({ url }) => url.endsWith('/send') ? undefined : json(200, { status: 'Message sent', id: 'e:9', subscribers: 3, duplicate: true, received: 1, silent: 1, unable: 1, latencyMs: { p50: 1, max: 2 } })
    const [, publication] = await Promise.all([publisher.publish('a:1', 0), publisher.publish('a:1', 1, { waitMs: 1_500, idempotencyKey: 'mine' }), publisher.publish('b', 2)])
    t.strictSame(publication, { id: 'e:9', subscribers: 3, duplicate: true, received: 1, silent: 1, unable: 1, latencyMs: { p50: 1, max: 2 } })
    const single = service.requests.find(({ url }) => !url.endsWith('/send'))
    t.match(single, { url: 'http://127.0.0.1:3000/send/a%3A1', headers: { prefer: 'wait=2', 'idempotency-key': 'mine' }, body: '{"message":1}' })
    service.answer = (asked) => asked.url.endsWith('/send') ? undefined : refusal(400, 'MSG_ERR_CHANNEL_RESERVED')
    t.match(await failure(publisher.publish('c', 1, { waitMs: 1 })), { code: 'MSG_ERR_CHANNEL_RESERVED' })
  })
})

t.test('a platform without setImmediate', async (t) => {
  t.test('is given a timer', async (t) => {
    t.intercept(globalThis, 'setImmediate', { value: undefined })
    const { service, publisher } = create(t)
    await Promise.all([publisher.publish('a', 1), publisher.publish('b', 1)])
    t.equal(service.requests.length, 1)
  })
})

t.test('callbacks', async (t) => {
  t.test('are told of failures, so that promises may be ignored, and break nothing when they throw', async (t) => {
    const errors: PublishError[] = []
    const logged: unknown[] = []
    t.intercept(console, 'error', { value: (error: unknown) => { logged.push(error) } })
    const { service, publisher } = create(t, {
      onError (error) { errors.push(error); throw new Error('by onError') },
      onRetry () { throw new Error('by onRetry') }
    })
    service.answer = (_asked, number) => number === 1 ? refusal(503, 'MSG_ERR_CLOSED') : refusal(403, 'MSG_ERR_TOKEN_INVALID')
    void publisher.publish('a', 1)
    void publisher.publish('b', '')
    await publisher.flush()
    t.strictSame(errors.map(({ code, channel }) => [code, channel]), [['MSG_ERR_MESSAGE_MISSING', 'b'], ['MSG_ERR_TOKEN_INVALID', 'a']])
    t.match(logged, [{ message: 'by onError' }, { message: 'by onRetry' }, { message: 'by onError' }])
  })
})
