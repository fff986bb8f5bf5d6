import fc from 'fast-check'
import t from 'tap'
import { upgradeRequest } from '../sockets.js'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { NO_HTTP } from './contract.js'
import { hostile } from './hostile.js'
import { AUTHORIZATION, type Header, JSON_TYPE, request } from './request.js'
import { startTarget } from './target.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

const BODY = '{"message":1}'

/** Ways to say how long the body is, right and wrong; whatever is no HTTP ends the connection. */
const Framed = fc.oneof(
  fc.array(fc.integer({ min: 1, max: BODY.length }), { maxLength: 5 }).map((sizes): Attempt => {
    let rest = BODY
    const chunks = sizes.map((size) => { const chunk = rest.slice(0, size); rest = rest.slice(size); return chunk })
    const body = [...chunks, rest].filter((chunk) => chunk !== '').map((chunk) => `${chunk.length.toString(16)};a=b\r\n${chunk}\r\n`).join('')
    return { wire: request('POST', '/send/room', [AUTHORIZATION, JSON_TYPE, ['Transfer-Encoding', 'chunked']], `${body}0\r\nX-Trailer: 1\r\n\r\n`), refusals: [], publishes: { channel: 'room', text: '1' } }
  }),
  fc.constantFrom<[Header[], string]>(
    [[['Content-Length', '13'], ['Content-Length', '14']], BODY],
    [[['Content-Length', '13'], ['Transfer-Encoding', 'chunked']], `d\r\n${BODY}\r\n0\r\n\r\n`],
    [[['Content-Length', '-1']], BODY],
    [[['Content-Length', '+13']], BODY],
    [[['Content-Length', '0x0d']], BODY],
    [[['Content-Length', '13, 13']], BODY],
    [[['Content-Length', '99999999999999999999']], BODY],
    [[['Transfer-Encoding', 'identity']], BODY],
    [[['Transfer-Encoding', 'chunked, gzip']], BODY],
    [[['Transfer-Encoding', 'chunked']], `zz\r\n${BODY}\r\n0\r\n\r\n`],
    [[['Transfer-Encoding', 'chunked']], `-d\r\n${BODY}\r\n0\r\n\r\n`],
    [[['Transfer-Encoding', 'chunked']], `c\r\n${BODY}\r\n0\r\n\r\n`],
    [[['Transfer-Encoding', 'chunked']], `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`]
  ).map(([headers, body]): Attempt => ({ wire: request('POST', '/send/room', [AUTHORIZATION, JSON_TYPE, ...headers], body), refusals: [NO_HTTP], ends: true }))
)

/** Methods that the service does not know, anywhere. */
const UNKNOWN_METHODS = ['PROPFIND', 'LOCK']
/** Targets of other methods than these. */
const READABLE = ['/', '/room', '/client.js', '/room;x']

/** Methods and targets that lead nowhere. */
const Astray = fc.tuple(fc.constantFrom('TRACE', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'LOCK', 'POST'), fc.constantFrom('/room', '/client.js', '/room/x', '//room', '/', '/a/../b', '/room;x', '/-/other'))
  .map(([method, target]): Attempt => ({ wire: request(method, target), refusals: [READABLE.includes(target) && !UNKNOWN_METHODS.includes(method) ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND'] }))

const Broken = fc.oneof(
  fc.constantFrom('GET', '\x16\x03\x01\x02\0', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET room HTTP/1.1\r\n', 'GET x:80 HTTP/1.1\r\n', 'get /room HTTP/1.1\r\n', 'GET /room HTTP/9.9\r\n', 'GET /room http/1.1\r\n', '{"message":1}', 'FOO /room HTTP/1.1\r\n').map((start) => `${start}\r\n\r\n`),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).filter(([first = 0]) => first > 127).map((bytes) => `${Buffer.from(bytes).toString('latin1')}\r\n\r\n`)
).map((wire): Attempt => ({ wire, refusals: [NO_HTTP], ends: true }))

/** Requests to upgrade of which one part is wrong. */
const Upgrade = fc.oneof(
  fc.constantFrom<[RegExp, string]>([/Sec-WebSocket-Key.*\r\n/, ''], [/Key: .*/, 'Key: short'], [/Key: .*/, `Key: ${'A'.repeat(400)}`], [/Version: 13/, 'Version: 12'], [/Sec-WebSocket-Version.*\r\n/, ''], [/Version: 13/, 'Version: 13\r\nSec-WebSocket-Protocol: a,,b'], [/(Sec-WebSocket-Key.*\r\n)/, '$1$1'])
    .map(([part, instead]): Attempt => ({ wire: upgradeRequest('/room').replace(part, instead), refusals: ['UPGRADE_INVALID'], ends: true })),
  fc.constantFrom('/%E0', '/%zz', '/room%2').map((path): Attempt => ({ wire: upgradeRequest(path), refusals: ['URL_INVALID'], ends: true }))
)

/** Requests that ask for an upgrade to something else, which is not heard. */
const OtherUpgrade = fc.tuple(fc.constantFrom('h2c', 'websockets', 'TLS/1.2', 'websocket, h2c', '__proto__'), fc.constantFrom('Upgrade', 'upgrade', 'keep-alive, Upgrade', 'Upgrade,HTTP2-Settings'), fc.constantFrom('GET', 'POST', 'chunked', 'nowhere')).map(([protocol, connection, kind]): Attempt => {
  const headers: Header[] = [['Connection', connection], ['Upgrade', protocol], ['HTTP2-Settings', 'AAMAAABkAAQAoAAAAAIAAAAA']]
  const post = (framing: Header, body: string): Attempt => ({ wire: request('POST', '/send/room', [AUTHORIZATION, ...headers, JSON_TYPE, framing], body), refusals: [], publishes: { channel: 'room', text: '1' } })
  switch (kind) {
    case 'GET': return { wire: request('GET', '/room', headers), refusals: [] }
    case 'POST': return post(['Content-Length', String(BODY.length)], BODY)
    case 'chunked': return post(['Transfer-Encoding', 'chunked'], `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`)
    case 'nowhere': return { wire: request('PUT', '/room', [...headers, ['Content-Length', '3']], 'abc'), refusals: ['METHOD_NOT_ALLOWED'] }
  }
})

t.test('requests', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('that frame their body wrongly, lead nowhere, are no HTTP or upgrade wrongly are refused', async (t) => {
      const witnesses = { room: await Witness.on(t, target, 'room') }
      const Any = fc.oneof(
        { weight: 3, arbitrary: Framed },
        { weight: 2, arbitrary: Astray },
        { weight: 2, arbitrary: Broken },
        { weight: 1, arbitrary: Upgrade },
        { weight: 2, arbitrary: OtherUpgrade }
      )
      await volley(t, Any, casesOf('requests') - 1_000, async (attempts) => { await attempt(target, attempts, witnesses) })
    })

    t.test('to upgrade that come byte by byte and end anywhere hold nothing', async (t) => {
      const Cut = fc.tuple(fc.nat(), fc.boolean())
      await volley(t, Cut, 1_000, async (cuts) => {
        await Promise.all(cuts.map(async ([at, reset]) => {
          const connection = await target.connect()
          const text = upgradeRequest('/room')
          for (const byte of text.slice(0, at % (text.length + 1))) connection.write(byte)
          if (reset) connection.socket.resetAndDestroy()
          else connection.socket.destroySoon()
          await connection.closed
        }))
      })
    })
  })
})
