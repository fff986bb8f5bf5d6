import t from 'tap'
import { thrown } from '../codes.js'
import { messageText, RawJson } from '../../src/wire/json.js'

t.test('messageText', async (t) => {
  t.test('writes a value as JSON', async (t) => {
    for (const value of [0, -0.5, 1e21, false, true, [], {}, 'text', ' ', [null], { a: { b: [1, '🎉'] } }, 'line\nbreak\u2028']) {
      t.equal(messageText(value), JSON.stringify(value))
    }
  })

  t.test('throws MSG_ERR_MESSAGE_MISSING for what stands for nothing', async (t) => {
    for (const value of [undefined, null, '', NaN, () => 1, Symbol('s'), new RawJson('null'), new RawJson('""')]) {
      t.equal(thrown(() => messageText(value)), 'MSG_ERR_MESSAGE_MISSING')
    }
  })

  t.test('throws MSG_ERR_MESSAGE_INVALID for what JSON cannot express', async (t) => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    t.equal(thrown(() => messageText(cycle)), 'MSG_ERR_MESSAGE_INVALID')
    t.equal(thrown(() => messageText({ big: 1n })), 'MSG_ERR_MESSAGE_INVALID')
    t.equal(thrown(() => messageText({ toJSON () { throw new Error('no form') } })), 'MSG_ERR_MESSAGE_INVALID')
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever user code throws
    t.throws(() => messageText({ toJSON () { throw 'a text' } }), { code: 'MSG_ERR_MESSAGE_INVALID', message: /a text/ })
  })

  t.test('throws MSG_ERR_MESSAGE_INVALID for what JSON would write as {} and lose, wherever it is', async (t) => {
    const opaque = [new Map([[1, 2]]), new Set([1]), new WeakMap(), new WeakSet(), Promise.resolve(1), /x/, new Error('lost'), new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), new URLSearchParams('a=1'), [1][Symbol.iterator](), new AbortController().signal]
    for (const value of opaque) {
      for (const message of [value, [value], { a: { b: value } }]) t.equal(thrown(() => messageText(message)), 'MSG_ERR_MESSAGE_INVALID', Object.prototype.toString.call(value))
    }
    for (const [message, text] of [[{}, '{}'], [[{}], '[{}]'], [Object.create(null), '{}'], ['{}', '"{}"'], [{ a: new Date(0), b: {} }, '{"a":"1970-01-01T00:00:00.000Z","b":{}}'], [new Uint8Array(0), '{}'], [Object.assign(new Map(), { a: 1 }), '{"a":1}']] as const) t.equal(messageText(message), text)
  })

  t.test('throws by code for whatever else a host may hand over', async (t) => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
     
    const invalid: unknown[] = [revoked.proxy, { get a () { throw new Error('no') } }, { toJSON () { throw Object.create(null) } }, [1n], new Proxy({}, { ownKeys () { throw new Error('no') } })]
    for (const message of invalid) t.equal(thrown(() => messageText(message)), 'MSG_ERR_MESSAGE_INVALID')
    for (const message of [Symbol('s'), () => 1, NaN, Infinity, new Date(NaN), { toJSON: () => undefined }]) t.equal(thrown(() => messageText(message)), 'MSG_ERR_MESSAGE_MISSING')
  })

  t.test('looks at raw JSON that a host made', async (t) => {
    for (const text of ['', '{', '{"a":1', 'undefined', '1 2', "'a'", '\ufeff1', '{"a":1}}', 7, undefined, null]) t.equal(thrown(() => messageText(new RawJson(text as string))), 'MSG_ERR_MESSAGE_INVALID', String(text))
    for (const text of ['null', ' null ', '\n""\t', '""']) t.equal(thrown(() => messageText(new RawJson(text))), 'MSG_ERR_MESSAGE_MISSING', text)
    t.equal(messageText(new RawJson(' 1 ')), '1')
  })

  t.test('carries raw JSON as it is', async (t) => {
    const text = '{ "2": 12345678901234567890, "1": 1.0, "__proto__": {"a": 1e400} }'
    t.equal(messageText(new RawJson(text)), text)
  })

  t.test('takes line breaks out of raw JSON without changing its value', async (t) => {
    const text = messageText(new RawJson('{\r\n  "a": [1,\n\n2],\r"b": "x\\ny"\n}'))
    t.notMatch(text, /[\r\n]/)
    t.strictSame(JSON.parse(text), { a: [1, 2], b: 'x\ny' })
  })
})

t.test('RawJson', async (t) => {
  t.test('shows its value to JSON.stringify', async (t) => {
    t.equal(JSON.stringify({ message: new RawJson('{ "a": 1 }') }), '{"message":{"a":1}}')
  })
})
