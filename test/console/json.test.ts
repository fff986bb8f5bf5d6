import fc from 'fast-check'
import t from 'tap'
import { envelopesOf } from '../../console/json/frame.js'
import { readInput } from '../../console/json/input.js'
import { countParts, kindAt, partsOf } from '../../console/json/parts.js'
import { preview } from '../../console/json/preview.js'
import { JsonProblem, valueEnd } from '../../console/json/scan.js'

/** Whether the whole text is JSON to the console. */
function isJson (text: string): boolean {
  try {
    const start = /^[ \t\n\r]*/.exec(text)?.[0].length ?? 0
    return /^[ \t\n\r]*$/.test(text.slice(valueEnd(text, start)))
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    return false
  }
}

function isJsonToEngine (text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('valueEnd', async (t) => {
  t.test('takes for JSON what JSON.parse takes for it', async () => {
    fc.assert(fc.property(fc.json({ maxDepth: 5 }), fc.nat(), fc.constantFrom('', '{', '}', ']', ',', ':', '"', '\\', '0', '-', '.', 'e', ' ', '\n', '\u0001', 'x'), (json, at, put) => {
      const broken = json.slice(0, at % (json.length + 1)) + put + json.slice(at % (json.length + 1) + (at % 2))
      for (const text of [json, broken]) if (isJson(text) !== isJsonToEngine(text)) throw new Error(text)
    }), { numRuns: 3_000 })
  })

  t.test('knows numbers, words and escapes of every kind', async (t) => {
    for (const text of ['-0', '0.5', '1e400', '1E+2', '9007199254740993', 'true', 'null', '"\\u00e9\\"\\\\"', '[]', '{}', '[[],{}]', ' { "a" : [ 1 , 2 ] } ', '""']) t.ok(isJson(text), text)
    for (const text of ['', '01', '.5', '1.', '1e', '-', '+1', 'tru', 'nul', '"\\x"', '"\\u12g4"', '"\n"', '"', '[1,]', '[,1]', '{,}', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', '[1 2]', '{"a":1 "b":2}', '[1}', '{"a":1]', '1 2', "'a'"]) t.notOk(isJson(text), text)
  })

  t.test('needs no stack for nesting', async (t) => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    t.equal(valueEnd(deep, 0), deep.length)
  })
})

t.test('partsOf', async (t) => {
  t.test('finds the members and elements in order, as they are written', async (t) => {
    const text = ' {"b" : 12345678901234567890, "a":[1, {"c":2}],"\\u00e9":"x","b":null } '
    const parts = [...partsOf(text, 1)].map(({ key, start, end }) => [key, text.slice(start, end)])
    t.strictSame(parts, [['b', '12345678901234567890'], ['a', '[1, {"c":2}]'], ['é', '"x"'], ['b', 'null']])
    t.strictSame([...partsOf('[1.0,"]"]', 0)].map(({ key, start, end }) => [key, start, end]), [[undefined, 1, 4], [undefined, 5, 8]])
    t.equal(countParts(text, 1), 4)
    t.equal(countParts('{}', 0), 0)
  })

  t.test('gives what JSON.parse gives', async () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const read = (text: string): Array<[string | undefined, unknown]> => {
      return [...partsOf(text, 0)].map(({ key, start, end }) => [key, JSON.parse(text.slice(start, end))])
    }
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
    fc.assert(fc.property(fc.array(value), fc.dictionary(fc.string(), value), (array, object) => {
      const elements = read(JSON.stringify(array)).map(([, element]) => element)
      return same(elements, array) && same(read(JSON.stringify(object)), Object.entries(object))
    }))
  })
})

t.test('kindAt', async (t) => {
  t.test('tells a value by its first character', async (t) => {
    for (const [text, kind] of [['{}', 'object'], ['[]', 'array'], ['""', 'string'], ['-1', 'number'], ['0', 'number'], ['true', 'word'], ['', 'word']] as const) t.equal(kindAt(text, 0), kind)
  })
})

t.test('preview', async (t) => {
  t.test('is one line: the characters of a string, otherwise the JSON with all digits', async (t) => {
    t.equal(preview('"a\\n\\tb \\u00e9"'), 'a b é')
    t.equal(preview('{"n":12345678901234567890,\n  "f":1.0}'), '{"n":12345678901234567890, "f":1.0}')
    t.equal(preview(JSON.stringify('x'.repeat(10_000))).length, 400)
  })
})

t.test('readInput', async (t) => {
  t.test('keeps JSON as it is written', async (t) => {
    t.strictSame(readInput(' {"id": 9007199254740993, "f": 1.0} ', 'auto'), { kind: 'json', json: '{"id": 9007199254740993, "f": 1.0}' })
    t.strictSame(readInput('12345678901234567890', 'auto'), { kind: 'json', json: '12345678901234567890' })
    t.strictSame(readInput('false', 'json'), { kind: 'json', json: 'false' })
  })

  t.test('takes for text what does not look like JSON', async (t) => {
    for (const text of ['Hello, world', '12 apples', 'true story', "it's", 'nullable', ' spaces ']) t.strictSame(readInput(text, 'auto'), { kind: 'text', json: JSON.stringify(text) })
    t.strictSame(readInput('{bad', 'text'), { kind: 'text', json: '"{bad"' })
    t.strictSame(readInput('null', 'text'), { kind: 'text', json: '"null"' })
    t.strictSame(readInput(' ', 'text'), { kind: 'text', json: '" "' })
  })

  t.test('refuses broken JSON, and says where it breaks', async (t) => {
    t.strictSame(readInput('{bad', 'auto'), { kind: 'invalid', problem: 'line 1, column 2: expected a key in double quotes or }, found b' })
    t.strictSame(readInput('  {\n  "a": 1,\n}', 'auto'), { kind: 'invalid', problem: 'line 3, column 1: expected a key in double quotes, found }' })
    t.match(readInput('[1, 2', 'auto'), { problem: 'line 1, column 6: expected , or ], found the end' })
    t.match(readInput('"open', 'auto'), { problem: /closing double quote, found the end/ })
    t.match(readInput('{"a": "\n"}', 'auto'), { problem: /control character, found the end of the line/ })
    t.match(readInput('"\\x"', 'auto'), { problem: /expected one of/ })
    t.match(readInput('{"a" 1}', 'auto'), { problem: /expected :, found 1/ })
    t.match(readInput('{} {}', 'auto'), { problem: 'line 1, column 4: expected nothing more, found {' })
    t.match(readInput('[😀]', 'auto'), { problem: /expected a value, found 😀/ })
    for (const text of ['Hello', '12 apples', 'tru']) t.match(readInput(text, 'json'), { kind: 'invalid' }, text)
  })

  t.test('tells what is no message', async (t) => {
    for (const text of ['', '  ', 'null', ' "" ']) t.strictSame(readInput(text, 'auto'), { kind: 'missing' }, text)
    t.strictSame(readInput('', 'text'), { kind: 'missing' })
  })
})

t.test('envelopesOf', async (t) => {
  t.test('gives the message as it is written, with its time and sender', async (t) => {
    t.strictSame(envelopesOf('{"channel":"a","message":{"n":12345678901234567890},"from":"job","time":1764201600000,"id":"e:1","other":[1]}'), [{ channel: 'a', json: '{"n":12345678901234567890}', from: 'job', time: 1764201600000, id: 'e:1' }])
    t.strictSame(envelopesOf('{"channel":"a","event":"subscribed","id":"e:0","recovered":true}'), [{ channel: 'a', event: 'subscribed', id: 'e:0' }])
  })

  t.test('gives the messages of a poll', async (t) => {
    const found = envelopesOf('{"channel":"a","messages":[{"channel":"a","message":1.0,"id":"e:1"},{"channel":"a","message":"x","id":"e:2"},7],"id":"e:2"}')
    t.strictSame(found, [{ channel: 'a', id: 'e:2' }, { channel: 'a', json: '1.0', id: 'e:1' }, { channel: 'a', json: '"x"', id: 'e:2' }])
  })

  t.test('ignores what is no frame, and fields of another type', async (t) => {
    for (const text of ['', '7', '[]', '{"channel":', 'x']) t.equal(envelopesOf(text).some(({ json }) => json !== undefined), false, text)
    t.strictSame(envelopesOf('{"channel":7,"time":"now","id":null,"messages":{}}'), [{}])
    t.strictSame(envelopesOf('{"time":1e300}'), [{ time: undefined }])
  })
})
