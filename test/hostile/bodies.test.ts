import fc from 'fast-check'
import t from 'tap'
import { RandomJson } from '../wire/random-json.js'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { judgeBody } from './contract.js'
import { hostile } from './hostile.js'
import { publishing, utf8 } from './request.js'
import { MAX_MESSAGE_BYTES, startTarget } from './target.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

/** JSON texts of messages. */
const Message = fc.oneof(
  { weight: 4, arbitrary: fc.nat().map((seed) => new RandomJson(seed).value()) },
  { weight: 3, arbitrary: fc.json({ maxDepth: 3 }) },
  fc.constantFrom('null', '""', '0', '-0', 'false', '[]', '{}', '""""', ' null ', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud83d"', '1e309', '-1e-400', '9007199254740993', '123456789012345678901234567890', '0.1e1', '"null"'),
  fc.constantFrom('{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"__proto__":null}', '{"toJSON":1}', '{"message":null}', '{"a":1,"a":2}', '{"2":1,"1":2}', '{"text":"x"}', '{"channel":"other","id":"a:1"}', '"\\",\\"id\\":\\"x:1\\"}"'),
  fc.tuple(fc.constantFrom('[', '{"a":', '[[],', '[{"":'), fc.integer({ min: 1, max: 500 })).map(([open, depth]) => `${open.repeat(depth)}1${closing(open).repeat(depth)}`),
  fc.tuple(fc.constantFrom('1', '-', '0.', '1e'), fc.integer({ min: 1, max: 2_000 })).map(([start, digits]) => `${start}${'7'.repeat(digits)}`),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text))
)

function closing (open: string): string {
  return Array.from(open.replaceAll(/\[\]|[^[{]/g, ''), (bracket) => bracket === '[' ? ']' : '}').reverse().join('')
}

/** Members around the message that must not get in its way. */
const Around = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.constantFrom('"__proto__":{"message":"wrong"}', '"constructor":1', '"Message":"wrong"', '"message ":"wrong"', '"other":{"message":"wrong"}', '"":[{"message":"wrong"}]', '"text":"\\"message\\":1"', '"channel":"elsewhere"', '"id":"x:1"', '"messages":[]', '"idempotencyKey":"k"')
)

const Space = fc.constantFrom('', '', '', ' ', '\n', '\r\n\t', '        ')

const Body = fc.tuple(Message, Around, Around, Space, Space, fc.constantFrom('"message"', '"message"', '"\\u006dessage"', '"m\\u0065ssage"')).map(([message, before, after, space, inner, key]) => {
  const members = [before, `${space}${key}${inner}:${space}${message}${inner}`, after].filter((member) => member !== '')
  return { body: utf8(`${space}{${members.join(',')}}${inner}`), text: message }
})

/** Bodies that may be anything, most of them almost right. */
const Broken = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(Body, fc.nat(), fc.constantFrom('', ',', '}', '"', '\\', '\0', '\xff', '\xc0\xaf', '\xed\xa0\x80', '\xef\xbb\xbf', '\xe2\x80\xa8', ':', '[', '1', 'e', '\n', '\x1f', '\x7f'), fc.nat(2)).map(([{ body }, at, insert, remove]) => {
    const place = at % (body.length + 1)
    return body.slice(0, place) + insert + body.slice(place + remove)
  }) },
  fc.tuple(Body, fc.nat()).map(([{ body }, at]) => body.slice(0, at % body.length)),
  fc.tuple(Body, fc.constantFrom('', '\xef\xbb\xbf', '\xef\xbb\xbf\xef\xbb\xbf', '\xff\xfe', ' ', ')]}\',\n'), fc.constantFrom('', 'x', '\0', '{}', ' ')).map(([{ body }, before, after]) => before + body + after),
  fc.tuple(Body, Body).map(([one, other]) => one.body.slice(0, -1) + ',' + other.body.slice(1)),
  fc.tuple(Message, Message).map(([one, other]) => utf8(`{"message":${one},"message":${other}}`)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.json().map(utf8),
  Message.map(utf8),
  fc.constantFrom('', ' ', '{}', '[]', '"message"', 'null', 'true', '{', '{"message"', '{"message":', '{"message":}', '{"message":1,}', "{'message':1}", '{message:1}', '{"message":NaN}', '{"message":undefined}', '{"message":01}', '{"message":+1}', '{"message":.5}', '{"message":0x1}', '{"message":1}//', '/**/{"message":1}', '[{"message":1}]', 'message=1', '<message>1</message>', '\x1f\x8b\x08\x00'),
  // UTF-16 and UTF-32, in which JSON may not be.
  Body.map(({ body }) => Buffer.from(body, 'utf16le').toString('latin1'))
)

/** Messages of sizes around the limit, counted in bytes and not in characters, and bodies with much around a small message. */
const Sized = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom('a', 'é', '€', '🎉', '\\n'), fc.constantFrom(0, 0, 0, 600, 1_100, 20_000)).map(([over, unit, padding]) => {
  const unitBytes = Buffer.byteLength(unit)
  const room = MAX_MESSAGE_BYTES + over - 2
  const text = `"${unit.repeat(Math.floor(room / unitBytes))}${'b'.repeat(room % unitBytes)}"`
  return { body: utf8(`{"message":${text}}${' '.repeat(padding)}`), text, messageBytes: MAX_MESSAGE_BYTES + over }
})

const Attempted = fc.oneof(
  { weight: 5, arbitrary: Body },
  { weight: 4, arbitrary: Broken.map((body) => ({ body, text: undefined })) },
  { weight: 1, arbitrary: Sized }
).map(({ body, text, ...sizes }): Attempt => {
  const { refusals, message } = judgeBody(Buffer.from(body, 'latin1'), 'messageBytes' in sizes ? sizes.messageBytes : 0)
  return {
    wire: publishing({ target: '/send/room', body }),
    refusals,
    publishes: { channel: 'room', ...(text === undefined ? { value: message } : { text }) }
  }
})

t.test('bodies', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('are delivered as they were written or refused, whatever they are', async (t) => {
      const witnesses = { room: await Witness.on(t, target, 'room') }
      await volley(t, Attempted, casesOf('bodies'), async (attempts) => { await attempt(target, attempts, witnesses) })
    })
  })
})
