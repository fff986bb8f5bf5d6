import t from 'tap'
import { parseBody } from '../../src/wire/body.js'
import type { RawJson } from '../../src/wire/json.js'
import { RandomJson } from './random-json.js'

function message (text: string): string | undefined {
  const { message } = parseBody(text) as { message?: RawJson }
  return message?.text
}

t.test('parseBody', async (t) => {
  t.test('carries the message as it was written', async (t) => {
    t.equal(message('{"message":{"2":1,"1":12345678901234567890}}'), '{"2":1,"1":12345678901234567890}')
    t.equal(message(' {\n"x": {"message": 1}, "message" : 1.0 } '), '1.0')
  })

  t.test('carries each of several messages as it was written', async (t) => {
    const { messages } = parseBody('{"messages":[{"channel":"a","message":1.0},{"message":{"2":1,"1":12345678901234567890},"channel":"b"},{"channel":"c"},7,null,[{"message":1}]]}') as { messages: { message?: RawJson }[] }
    t.equal(messages[0]?.message?.text, '1.0')
    t.equal(messages[1]?.message?.text, '{"2":1,"1":12345678901234567890}')
    t.strictSame(messages.slice(2), [{ channel: 'c' }, 7, null, [{ message: 1 }]])
  })

  t.test('takes the last of several messages, as JSON.parse does', async (t) => {
    t.equal(message('{"message":1,"message":2}'), '2')
    t.equal(message('{"message":1,"\\u006dessage":3}'), '3')
  })

  t.test('skips a byte order mark', async (t) => {
    t.equal(message('\ufeff{"message":1}'), '1')
  })

  t.test('leaves a body without a message as it is', async (t) => {
    t.strictSame(parseBody('{"other":1}'), { other: 1 })
    for (const text of ['1', '"message"', 'null', '[{"message":1}]', 'true']) t.strictSame(parseBody(text), JSON.parse(text))
  })

  t.test('applies no __proto__ of the body', async (t) => {
    const body = parseBody('{"__proto__":{"polluted":true},"message":{"__proto__":{"polluted":true}}}') as Record<string, unknown>
    t.equal(Object.getPrototypeOf(body), Object.prototype)
    t.equal(body['polluted'], undefined)
    t.equal((body['message'] as RawJson).text, '{"__proto__":{"polluted":true}}')
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  t.test('throws a SyntaxError for what is not JSON', async (t) => {
    for (const text of ['', ' ', '{', '{"message":1', '{"message":1}x', '{message:1}', "{'message':1}", '{"message":01}', '{"message":NaN}', '{"message":1,}', '\ufeff', '\ufeff\ufeff1', '{"message":"\n"}']) {
      t.throws(() => parseBody(text), SyntaxError, JSON.stringify(text))
    }
  })

  t.test('agrees with JSON.parse on any object', async (t) => {
    const random = new RandomJson(3)
    for (let round = 0; round < 2_000; round++) {
      const json = random.object()
      if (JSON.stringify(parseBody(json)) !== JSON.stringify(JSON.parse(json))) t.fail(json)
    }
    t.pass('2000 bodies')
  })
})
