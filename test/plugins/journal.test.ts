import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { messenger } from '../../src/messenger.js'
import { eventually } from '../eventually.js'
import { ask, createHost, publishHeaders, TOKEN } from '../helper.js'
import { refusal, subscribe } from '../sockets.js'
import { EVENT_STREAM, stream } from '../streams.js'

type Line = Record<string, unknown> & { level: number, msg: string }

/** A host with a log at a level, and its lines. */
async function startLogged (t: Test, level: string, options: object = {}): Promise<{ app: FastifyInstance, lines: Line[] }> {
  const lines: Line[] = []
  const write = (text: string): void => { lines.push(JSON.parse(text) as Line) }
  const app = createHost(t, { logger: { level, stream: { write } }, disableRequestLogging: true })
  await app.register(messenger, { token: TOKEN, drainMs: 500, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, lines }
}

t.test('the log', async (t) => {
  t.test('contains connections, subscriptions and their ends at debug, and no secret', async (t) => {
    const { app, lines } = await startLogged(t, 'debug', { tokenSecret: 'a-secret-of-thirty-two-characters', publicChannels: ['*'] })
    const own = await subscribe(t, app, '/a?token=the-secret')
    const several = await subscribe(t, app, '/a,b?frames&token=the-secret')
    await several.take(2)
    several.socket.send('{"unsubscribe":"b"}')
    await several.next()
    const events = await stream(t, app, '/a', EVENT_STREAM)
    await events.nextEvent()
    const poll = ask(app, '/a?wait=60')
    t.match(await refusal(t, app, '/.invalid?token=the-secret'), { code: 1008 })
    await own.end()
    await eventually(() => lines.some(({ msg, why }) => msg === 'a connection is closed' && /the client has closed it/.test(String(why))), { message: 'the end' })
    await eventually(() => lines.filter(({ msg }) => msg === 'subscribed').length === 5, { message: 'the poll' })
    await ask(app, '/send/a', { method: 'POST', headers: publishHeaders(), body: '{"message":"the message"}' })
    t.match(await poll, { status: 200 })
    await app.close()
    const found = (msg: string, more: object): void => { t.ok(lines.some((line) => line.msg === msg && Object.entries(more).every(([key, value]) => line[key] === value)), `${msg} ${JSON.stringify(more)}`) }
    for (const transport of ['websocket', 'sse', 'poll']) found('subscribed', { channel: 'a', transport, level: 20 })
    found('unsubscribed', { channel: 'b', why: 'unsubscribed' })
    found('unsubscribed', { channel: 'a', why: 'the connection is closed' })
    found('refused', { code: 'MSG_ERR_CHANNEL_INVALID' })
    t.ok(lines.some(({ msg, transport, why }) => msg === 'a connection is closed' && transport === 'sse' && /^1012 retry=/.test(String(why))))
    t.notMatch(JSON.stringify(lines), /the-secret|a-secret|test-token|the message/)
  })

  t.test('has at info the start, the drain and reached limits once a minute, and nothing per message or subscriber', async (t) => {
    const { app, lines } = await startLogged(t, 'info', { maxUrlBytes: 256 })
    const subscription = await subscribe(t, app, '/a')
    for (let count = 0; count < 5; count++) {
      await app.channels.publish('a', count)
      await ask(app, `/a?x=${'x'.repeat(300)}`)
    }
    await subscription.take(5)
    await app.close()
    t.strictSame(lines.map(({ msg }) => msg).filter((msg) => !msg.startsWith('Server listening')), [
      'The messenger has started', 'The limit maxUrlBytes was reached', 'The messenger drains 1 subscriptions to 1 channels'
    ])
  })
})
