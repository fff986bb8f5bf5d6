import fc from 'fast-check'
import t from 'tap'
import { TOKEN } from '../helper.js'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { endsConnection, NO_HTTP, type Refusal, TOO_LARGE } from './contract.js'
import { hostile } from './hostile.js'
import { AUTHORIZATION, type Header, JSON_TYPE, publishing, request } from './request.js'
import { startTarget } from './target.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

/** A header and what it does to a request that is correct otherwise. */
interface Effect {
  headers: readonly Header[]
  refusals: readonly Refusal[]
  debatable?: boolean
}

const FINE: readonly Refusal[] = []
const MISSING: readonly Refusal[] = ['TOKEN_MISSING']
const INVALID: readonly Refusal[] = ['TOKEN_INVALID']
const EITHER: readonly Refusal[] = ['TOKEN_MISSING', 'TOKEN_INVALID']

/** Bytes that a header may have, and those that it may not. */
const Field = fc.oneof(fc.stringMatching(/^[!-~][ -~]{0,30}$/), fc.uint8Array({ min: 0x80, minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')))
const Forbidden = fc.tuple(Field, fc.constantFrom('\0', '\r', '\n', '\r\n', '\r\n ', '\n\t', '\x01', '\x1b', '\x7f'), Field).map((parts) => parts.join(''))

/** Carriers of a token for publishers; those of subscribers would stand beside it. */
const Authorization: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Effect>({ headers: [AUTHORIZATION], refusals: FINE }) },
  { weight: 2, arbitrary: fc.constantFrom('bearer', 'BEARER', 'bEaReR').map((scheme): Effect => ({ headers: [['Authorization', `${scheme} ${TOKEN}`]], refusals: FINE })) },
  fc.constantFrom('', TOKEN, 'Bearer', 'Bearer ', `Bearer${TOKEN}`, `Bearer\t${TOKEN}`, `Bearer ${TOKEN} x`, `Basic ${Buffer.from(`a:${TOKEN}`).toString('base64')}`, `Token ${TOKEN}`, `Bearer: ${TOKEN}`, `"Bearer ${TOKEN}"`, 'null').map((value): Effect => ({ headers: [['Authorization', value]], refusals: EITHER })),
  fc.constant<Effect>({ headers: [], refusals: MISSING }),
  fc.constantFrom(`${TOKEN}x`, `x${TOKEN}`, TOKEN.slice(1), TOKEN.slice(0, -1), TOKEN.toUpperCase(), `${TOKEN}=`, `${TOKEN},${TOKEN}`, encodeURIComponent(`${TOKEN} `), 'undefined', '__proto__', 'eyJhbGciOiJub25lIn0.e30.').map((token): Effect => ({ headers: [['Authorization', `Bearer ${token}`]], refusals: INVALID })),
  Field.map((value): Effect => ({ headers: [['Authorization', value]], refusals: EITHER })),
  Field.map((token): Effect => ({ headers: [['Authorization', `Bearer ${token}`]], refusals: EITHER })),
  // Two of a header that may stand once: never taken unless the token is in one of them.
  Field.map((value): Effect => ({ headers: [AUTHORIZATION, ['Authorization', `Bearer ${value}`]], refusals: EITHER, debatable: true })),
  Field.map((value): Effect => ({ headers: [['Authorization', `Bearer x${value}`], ['Authorization', 'Bearer y']], refusals: EITHER })),
  fc.constantFrom('Proxy-Authorization', 'X-Authorization', 'Authorisation', 'Cookie', 'Sec-WebSocket-Protocol').map((name): Effect => ({ headers: [[name, `Bearer ${TOKEN}`]], refusals: MISSING })),
  fc.integer({ min: 1_000, max: 6_000 }).map((length): Effect => ({ headers: [['Authorization', `Bearer ${'a'.repeat(length)}`]], refusals: INVALID }))
)

const MEDIA: readonly Refusal[] = ['MEDIA_TYPE']
const ContentType: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Effect>({ headers: [JSON_TYPE], refusals: FINE }) },
  fc.constantFrom('application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset="UTF-8"', 'application/json ; a=b', 'application/json;').map((value): Effect => ({ headers: [['Content-Type', value]], refusals: MEDIA, debatable: true })),
  fc.constantFrom('', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'application/json+x', 'application/ld+json', 'application', 'json', 'application/', '/json', 'application/json/json', 'text/json', 'application/javascript', 'application/json, text/plain', 'application/json\tx', 'application/json x', 'a/b; application/json', '*/*', 'application/*', '__proto__', 'constructor/prototype', 'text/html; application/json').map((value): Effect => ({ headers: [['Content-Type', value]], refusals: MEDIA })),
  Field.map((value): Effect => ({ headers: [['Content-Type', value]], refusals: MEDIA })),
  fc.constant<Effect>({ headers: [], refusals: MEDIA }),
  fc.constant<Effect>({ headers: [JSON_TYPE, ['Content-Type', 'text/plain']], refusals: MEDIA, debatable: true })
)

const KEY: readonly Refusal[] = ['IDEMPOTENCY_KEY_INVALID']
/** Each key is another one, so that nothing is a repetition. */
const IdempotencyKey: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Effect>({ headers: [], refusals: FINE }) },
  fc.uuid().map((key): Effect => ({ headers: [['Idempotency-Key', key]], refusals: FINE })),
  fc.tuple(fc.uuid(), fc.integer({ min: 253, max: 257 })).map(([key, length]): Effect => ({ headers: [['Idempotency-Key', key.padEnd(length, 'k')]], refusals: length > 255 ? KEY : FINE })),
  fc.tuple(fc.uuid(), fc.stringMatching(/^[!-~]([ -~]{0,100}[!-~])?$/)).map(([key, rest]): Effect => ({ headers: [['Idempotency-Key', key + rest]], refusals: FINE })),
  fc.constantFrom('', ' ', '\t').map((value): Effect => ({ headers: [['Idempotency-Key', value]], refusals: KEY })),
  fc.tuple(fc.uuid(), fc.constantFrom('\x80', '\xff', '\xe9', '\xc3\xa9', 'a\tb')).map(([key, odd]): Effect => ({ headers: [['Idempotency-Key', key + odd + key]], refusals: KEY })),
  fc.tuple(fc.uuid(), fc.uuid()).map(([one, other]): Effect => ({ headers: [['Idempotency-Key', one], ['Idempotency-Key', other]], refusals: KEY, debatable: true })),
  fc.integer({ min: 300, max: 5_000 }).map((length): Effect => ({ headers: [['Idempotency-Key', 'k'.repeat(length)]], refusals: KEY }))
)

/** Headers that mean nothing to the service, or break the request. */
const Other: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Effect>({ headers: [], refusals: FINE }) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('Accept', 'Accept-Encoding', 'Last-Event-ID', 'Cookie', 'Origin', 'Referer', 'X-Forwarded-For', 'Forwarded', 'User-Agent', 'Range', 'If-Match', '__proto__', 'constructor', 'Keep-Alive', 'TE', 'Trailer', 'Via', 'X-HTTP-Method-Override'), Field).map(([name, value]): Effect => ({ headers: [[name, value]], refusals: FINE })) },
  fc.integer({ min: 1, max: 500 }).map((count): Effect => ({ headers: Array.from({ length: count }, () => ['A', 'b']), refusals: FINE })),
  fc.tuple(fc.constantFrom('Authorization', 'Idempotency-Key', 'Last-Event-ID', 'Accept', 'X'), Forbidden).map(([name, value]): Effect => ({ headers: [[name, value]], refusals: [NO_HTTP] })),
  fc.constantFrom('X y', 'X ', ' X', '', 'X\0', 'é', '(X)', 'X"', 'X@', '\x7f').map((name): Effect => ({ headers: [[name, 'value']], refusals: [NO_HTTP] })),
  fc.integer({ min: 17_000, max: 40_000 }).map((length): Effect => ({ headers: [['X', 'x'.repeat(length)]], refusals: [TOO_LARGE] }))
)

const Parts = fc.tuple(Authorization, ContentType, IdempotencyKey, Other, fc.nat())
const Publish = Parts.map(([authorization, contentType, key, other, message]): Attempt => {
  const effects = [authorization, contentType, key, other]
  const refusals = effects.flatMap(({ refusals }) => refusals)
  return {
    wire: publishing({ target: '/send/room', body: `{"message":${message}}`, authorization: authorization.headers, contentType: contentType.headers, headers: [...key.headers, ...other.headers] }),
    refusals,
    debatable: effects.every(({ refusals, debatable }) => refusals.length === 0 || debatable === true),
    ends: endsConnection(refusals),
    publishes: { channel: 'room', text: String(message) }
  }
})

/** Kinds of answers, by what `Accept` asks for. */
const TYPES: Record<string, string> = { 'application/json': 'application/json', '*/*': 'application/json', 'application/*': 'application/json', 'text/event-stream': 'text/event-stream', 'application/x-ndjson': 'application/x-ndjson' }

const Range = fc.tuple(fc.constantFrom(...Object.keys(TYPES), 'text/html', 'image/webp', 'text/*', 'toString', '__proto__', 'application'), fc.constantFrom(undefined, 1, 0.9, 0.5, 0.001), fc.boolean())
const Accept = fc.oneof(
  { weight: 4, arbitrary: fc.uniqueArray(Range, { minLength: 1, maxLength: 4, selector: ([, quality]) => quality ?? 1 }).map((ranges) => {
    const [best] = ranges.filter(([type]) => Object.hasOwn(TYPES, type)).sort(([, a = 1], [, b = 1]) => b - a)
    const value = ranges.map(([type, quality, upper]) => (upper ? type.toUpperCase() : type) + (quality === undefined ? '' : `;q=${quality}`)).join(', ')
    return { value, type: TYPES[best?.[0] ?? ''] ?? 'application/json' }
  }) },
  Field.map((value) => ({ value: value.replace(/[/*]/g, ''), type: 'application/json' }))
)

const LastEventId = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ value: undefined, refusals: FINE }) },
  fc.constantFrom('earliest', 'now', 'abc:1', 'x:0', 'a-b_c:9007199254740991').map((value) => ({ value, refusals: FINE })),
  fc.constantFrom('abc', ':1', 'abc:', 'abc:-1', 'abc:01', 'abc:1.5', 'abc:1:2', 'abc: 1', 'abc:9007199254740993', 'a b:1', 'EARLIEST', 'undefined', '[]', '\xe9:1', 'abc:\xb2').map((value) => ({ value, refusals: ['SINCE_INVALID'] })),
  Field.filter((value) => !/^\S+:\d+$/.test(value.trim())).map((value) => ({ value, refusals: ['SINCE_INVALID'] })),
  fc.constant({ value: `${'e'.repeat(9_000)}:1`, refusals: ['SINCE_INVALID'] })
)

const Subscribe = fc.tuple(Accept, LastEventId).map(([accept, { value, refusals }]): Attempt => {
  const streams = accept.type !== 'application/json'
  return {
    wire: request('GET', '/room?limit=1', [['Accept', accept.value], ...(value === undefined ? [] : [['Last-Event-ID', value] as const])]),
    refusals,
    // The README gives the header to event streams; nothing is said of what it means to others.
    debatable: accept.type !== 'text/event-stream',
    ends: streams,
    streams,
    wrong: ({ headers }) => headers.get('content-type') === `${accept.type}; charset=utf-8` ? undefined : `Its type is not ${accept.type}`
  }
})

t.test('headers', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('let a message through or keep it out as documented, alone and together', async (t) => {
      const witnesses = { room: await Witness.on(t, target, 'room') }
      await volley(t, Publish, casesOf('headers') * 3 / 4, async (attempts) => { await attempt(target, attempts, witnesses) })
    })

    t.test('choose the kind of a subscription and where it begins, or are refused', async (t) => {
      await volley(t, Subscribe, casesOf('headers') / 4, async (attempts) => { await attempt(target, attempts, {}) })
    })
  })
})
