import t from 'tap'
import { parseBody } from '../../src/wire/body.js'
import type { RawJson } from '../../src/wire/json.js'
import { thrown } from '../codes.js'
import { RandomJson } from './random-json.js'

function parse (text: string): unknown {
  return parseBody(Buffer.from(text))
}

function message (text: string): string | undefined {
  const { message } = parse(text) as { message?: RawJson }
  return message?.text
}

t.test('parseBody', async (t) => {
  t.test('carries the message as it was written', async (t) => {
    t.equal(message('{"message":{"2":1,"1":12345678901234567890}}'), '{"2":1,"1":12345678901234567890}')
    t.equal(message(' {\n"x": {"message": 1}, "message" : 1.0 } '), '1.0')
    t.equal(message('{"message":"🎉 é\\ud83c"}'), '"🎉 é\\ud83c"')
  })

  t.test('carries each of several messages as it was written', async (t) => {
    const { messages } = parse('{"messages":[{"channel":"a","message":1.0},{"message":{"2":1,"1":12345678901234567890},"channel":"b"},{"channel":"c"},7,null,[{"message":1}]]}') as { messages: { message?: RawJson }[] }
    t.equal(messages[0]?.message?.text, '1.0')
    t.equal(messages[1]?.message?.text, '{"2":1,"1":12345678901234567890}')
    t.strictSame(messages.slice(2), [{ channel: 'c' }, 7, null, []])
  })

  t.test('takes the last of several messages, as JSON.parse does', async (t) => {
    t.equal(message('{"message":1,"message":2}'), '2')
    t.equal(message('{"message":1,"\\u006dessage":3}'), '3')
  })

  t.test('passes over a member whose name is longer than any that it knows, also where that begins like one', async (t) => {
    for (const name of ['x'.repeat(101), `message${'\\u0020'.repeat(20)}`]) t.equal(message(`{"${name}":1,"message":2,"${name}":{"message":3}}`), '2')
  })

  t.test('skips a byte order mark', async (t) => {
    t.equal(message('\ufeff{"message":1}'), '1')
  })

  t.test('takes nothing but what it knows, in its place of another type an empty value of that', async (t) => {
    t.strictSame(parse('{"other":1,"constructor":2,"__proto__":{"polluted":true}}'), {})
    t.strictSame(parse('{"channels":["a",7,{"b":[1]}],"messages":{"a":1}}'), { channels: ['a', 7, {}], messages: {} })
    for (const text of ['1', '"message"', 'null', 'true', '[]']) t.strictSame(parse(text), JSON.parse(text))
    t.strictSame(parse('[{"message":1}]'), [])
    t.equal(message('{"message":{"__proto__":{"polluted":true}}}'), '{"__proto__":{"polluted":true}}')
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  t.test('throws a SyntaxError for what is not JSON', async (t) => {
    const values = ['', '01', '-', '1.', '.5', '1e', '1e+', '+1', 'NaN', 'tru', 'truex', 'nulll', 'Infinity', "'a'", '"', '"\n"', '"\\x"', '"\\u12g4"', '"\\u12', '[', '[1', '[1,', '[1,]', '[,1]', '[1}', '{', '{"a"', '{"a":', '{"a":1', '{"a":1,}', '{,}', '{a:1}', '{"a" 1}', '{"a":1]', '1 2', '\u00a01']
    const texts = values.flatMap((value) => [value, `{"message":${value}}`, `{"other":${value}}`, `{"messages":[{"message":${value}}]}`])
    for (const text of [...texts, '{"message":1}x', '\ufeff', '\ufeff\ufeff1']) t.throws(() => parse(text), SyntaxError, JSON.stringify(text))
  })

  t.test('refuses a list of too many at the first one that is too much, whatever follows', async (t) => {
    const many = '0,'.repeat(1_000)
    for (const name of ['messages', 'channels']) {
      t.equal(thrown(() => parse(`{"${name}":[${many}0`)), 'MSG_ERR_BATCH_INVALID')
      t.equal((parse(`{"${name}":[${many.slice(0, -1)}]}`) as Record<string, unknown[]>)[name]?.length, 1_000)
    }
    t.equal(thrown(() => parse(`{${'"a":0,'.repeat(100)}"b":`)), 'MSG_ERR_BODY_INVALID')
  })

  t.test('passes over what is as deep as a body is long', async (t) => {
    const depth = 200_000
    t.equal(message(`{"other":${'['.repeat(depth)}${']'.repeat(depth)},"message":1}`), '1')
    t.equal(message(`{"message":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`)?.length, 6 * depth + 1)
    t.throws(() => parse('['.repeat(depth)), SyntaxError)
  })

  t.test('agrees with JSON.parse on any object', async (t) => {
    const random = new RandomJson(3)
    for (let round = 0; round < 2_000; round++) {
      const json = random.object()
      const { message } = JSON.parse(json) as { message?: unknown }
      if (JSON.stringify(parse(json)) !== JSON.stringify(message === undefined ? {} : { message })) t.fail(json)
    }
    t.pass('2000 bodies')
  })

  t.test('agrees with JSON.parse on what is JSON where a character is changed', async (t) => {
    const random = new RandomJson(4)
    for (let round = 0; round < 2_000; round++) {
      const json = random.object()
      const at = random.pick(json.length)
      const changed = json.slice(0, at) + random.one(['', '"', '{', ']', ',', ':', '0', '-', 'e', '\\', ' ', '\n', 't']) + json.slice(at + 1)
      if (accepts(() => JSON.parse(changed)) !== accepts(() => parse(changed))) t.fail(changed)
    }
    t.pass('2000 texts')
  })
})

function accepts (parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
