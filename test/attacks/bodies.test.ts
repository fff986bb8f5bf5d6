import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { goodJwt, SECRET, seconds } from '../tokens.js'
import { ask, assertError, post, publish, startService } from '../helper.js'
import { connectRaw, type RawConnection } from '../sockets.js'

const ENV = { TOKEN_SECRET: SECRET }
const sender = (claims = {}): string => goodJwt({ send: ['*'], ...claims })

/** Begins a request to publish, of whose body `text` comes and so many bytes are missing. */
async function begin (t: Test, app: FastifyInstance, path: string, token: string, text: string | Buffer, missing: number | 'chunked'): Promise<RawConnection> {
  const connection = await connectRaw(t, app)
  const size = missing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${text.length + missing}`
  connection.write(`POST ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${size}\r\n\r\n`)
  connection.write(text)
  return connection
}

const statusOf = async (connection: RawConnection): Promise<string | undefined> => / (\d+) /.exec(await connection.readHead())?.[1]

t.test('a client that sends a body', async (t) => {
  t.test('is told before it has arrived that the token may not send there, or that the channel is none', async (t) => {
    const app = await startService(t, ENV)
    const open = async (path: string, claims: object): Promise<string | undefined> => await statusOf(await begin(t, app, path, goodJwt({ ...claims }), '{', 1_000))
    t.equal(await open('/send', {}), '403')
    t.equal(await open('/send/room', { send: ['other'] }), '403')
    t.equal(await open('/send/client.js', { send: ['*'] }), '400')
    assertError(t, await post(app, '/send', { messages: [{ channel: 'room', message: 1 }] }, { authorization: `Bearer ${goodJwt()}` }), 403, 'MSG_ERR_CHANNEL_FORBIDDEN')
  })

  t.test('is told before it has arrived that it sends too much', async (t) => {
    const app = await startService(t, { ...ENV, MAX_PUBLISHES_PER_SECOND: '1' })
    const authorization = `Bearer ${sender({ sub: 'fast' })}`
    await post(app, '/send', { channels: Array.from({ length: 100 }, (_, index) => `c${index}`), message: 1 }, { authorization })
    t.equal(await statusOf(await begin(t, app, '/send', sender({ sub: 'fast' }), '{', 1_000)), '429')
    t.equal(app.channels.limits.get('maxPublishesPerSecond'), 1)
    t.equal((await post(app, '/send/room', { message: 1 }, { authorization: `Bearer ${sender({ sub: 'other' })}` })).status, 200)
  })

  t.test('is counted by its token where that names no subject, and not with all others', async (t) => {
    const app = await startService(t, { ...ENV, MAX_PUBLISHES_PER_SECOND: '1' })
    const [one, other] = [sender({ jti: '1' }), sender({ jti: '2' })]
    const send = async (token: string): Promise<number> => (await post(app, '/send', { channels: ['a', 'b', 'c'], message: 1 }, { authorization: `Bearer ${token}` })).status
    t.strictSame([await send(one), await send(one), await send(other)], [200, 429, 200])
  })

  t.test('does not publish when its token was revoked, or has expired, before the last byte', async (t) => {
    const app = await startService(t, ENV)
    const revoked = await begin(t, app, '/send/room', sender({ sub: 'user' }), '{"message":', 2)
    const expired = await begin(t, app, '/send', sender({ exp: seconds(2) }), '{"channels":["room"],"message":', 2)
    await post(app, '/-/revocations', { sub: 'user' })
    revoked.write('1}')
    const ended = Date.now() + 2_000
    await eventually(() => Date.now() > ended, { message: 'the token has expired' })
    expired.write('1}')
    for (const connection of [revoked, expired]) t.equal(await statusOf(connection), '403')
    t.match((await ask(app, '/room', { headers: { authorization: `Bearer ${goodJwt()}` } })).body, { messages: [] })
  })

  t.test('keeps no more of it in memory than all may have, and gives way to a client that sends less', async (t) => {
    const app = await startService(t, { ...ENV, MAX_BYTES_IN_FLIGHT: String(1024 ** 2) })
    const part = Buffer.alloc(12_000_000, 32)
    const small = await begin(t, app, '/send/room', sender(), '{"message":', 2)
    const large = await Promise.all([1, 2, 3].map(async () => await begin(t, app, '/send', sender(), part, 4_000_000)))
    t.equal(await Promise.race(large.map(statusOf)), '503')
    t.ok(app.channels.limits.get('maxBytesInFlight') > 0)
    small.write('1}')
    t.equal(await statusOf(small), '200')
    t.equal((await publish(app, 'room', 2)).status, 200)
  })

  t.test('of a preflight is not read', async (t) => {
    const app = await startService(t, ENV)
    const connection = await connectRaw(t, app)
    connection.write('OPTIONS /room HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{')
    t.equal(await statusOf(connection), '204')
  })

  t.test('in chunks of a byte is cut off', async (t) => {
    const app = await startService(t, ENV)
    const connection = await begin(t, app, '/send', sender(), '1\r\n \r\n'.repeat(100_000), 'chunked')
    await connection.closed
    t.equal((await publish(app, 'room', 1)).status, 200)
  })

  t.test('with a thousand violations is told of the first', async (t) => {
    const app = await startService(t)
    const { body } = await post(app, '/send', { messages: Array.from({ length: 1_000 }, () => 0) })
    t.match(body, { code: 'MSG_ERR_BATCH_INVALID', message: /messages\/0/ })
  })
})
