import t from 'tap'
import { serializersWithoutToken, withoutToken } from '../../src/http/redaction.js'

t.test('withoutToken', async (t) => {
  t.test('hides the token and leaves the rest as it is', async (t) => {
    t.equal(withoutToken('/room?since=now&token=abc.def&wait=1'), '/room?since=now&token=[hidden]&wait=1')
    t.equal(withoutToken('/room?token=abc'), '/room?token=[hidden]')
    for (const url of ['/room', '/room?since=earliest', '/room?tokens=a&mytoken=b', '/token=a', '/room?token', '/']) t.equal(withoutToken(url), url)
  })

  t.test('hides it however its name is encoded, and however often it comes', async (t) => {
    for (const name of ['%74oken', '%74%6f%6B%65%6e', 'to%6Ben']) t.equal(withoutToken(`/room?${name}=abc`), `/room?${name}=[hidden]`)
    t.notMatch(withoutToken('/room?token=abc&token=def&a=1&%74oken=ghi'), /abc|def|ghi/)
    t.equal(withoutToken('/room?%E0=1&token=abc'), '/room?%E0=1&token=[hidden]')
  })

  t.test('hides it wherever a router lets the query begin, and whatever it consists of', async (t) => {
    for (const url of ['/room#token=abc', '/room;token=abc', '/room;a=b?token=abc', '/room;a?token=abc', '/room?x#token=abc', '/room?token=abc#abc', '/room?token=?abc', '/room?token==abc', '/room?a=1#&token=abc']) {
      t.notMatch(withoutToken(url), 'abc', url)
    }
  })
})

t.test('serializersWithoutToken', async (t) => {
  const SERIALIZERS = Symbol.for('pino.serializers')
  const serialize = (req: (request: unknown) => unknown): unknown => serializersWithoutToken({ [SERIALIZERS]: { req } })['req']?.({})

  t.test('change the URL of what the logger makes of a request', async (t) => {
    t.strictSame(serialize(() => ({ method: 'GET', url: '/room?token=abc' })), { method: 'GET', url: '/room?token=[hidden]' })
  })

  t.test('leave alone what has no URL', async (t) => {
    for (const fields of [undefined, null, 'text', { method: 'GET' }, { url: 7 }]) t.strictSame(serialize(() => fields), fields)
  })

  t.test('are none where the logger has none', async (t) => {
    t.strictSame(serializersWithoutToken({}), {})
    t.strictSame(serializersWithoutToken({ [SERIALIZERS]: {} }), {})
  })
})
