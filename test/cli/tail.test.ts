import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { Positions } from '../../src/cli/tail/positions.js'
import { parseLine } from '../../src/cli/tail/protocol.js'
import { linesOf } from '../../src/cli/tail/lines.js'
import { Watchdog } from '../../src/cli/tail/watchdog.js'
import { eventually } from '../eventually.js'
import { origin, publish, startService, TOKEN } from '../helper.js'
import { run, type Running, serve, startCommand } from './run-command.js'

const LINES = { 'content-type': 'application/x-ndjson' }
const SUBSCRIBED = '{"channel":"a","event":"subscribed","id":"e:0","recovered":true,"heartbeat":20}\n'

/** A service that answers each request by the next of these functions, and by the last one from then on. */
async function scripted (t: Test, ...answers: ((response: ServerResponse) => void)[]): Promise<{ server: string, urls: string[] }> {
  const urls: string[] = []
  const server = await serve(t, (request, response) => {
    const answer = answers[Math.min(urls.length, answers.length - 1)]
    urls.push(String(request.url))
    answer?.(response)
  })
  return { server, urls }
}

const error = (status: number, code: string, headers = {}) => (response: ServerResponse): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ statusCode: status, code, error: '', message: `no: ${code}` }))
}
const lines = (...texts: string[]) => (response: ServerResponse): void => { response.writeHead(200, LINES).write(texts.join('')) }
const cut = (...texts: string[]) => (response: ServerResponse): void => {
  response.writeHead(200, LINES).write(texts.join(''), () => { response.destroy() })
}

async function ended (running: Running, code: number): Promise<void> {
  running.end('SIGINT')
  t.equal(await running.exited, code)
}

t.test('tail', async (t) => {
  t.test('prints each message of its channels as it came, and ends with 0 on SIGINT', async (t) => {
    const app = await startService(t)
    const tail = startCommand(t, 'tail', ['a:1', 'b'], { env: { MESSENGER_URL: origin(app), BEARER_TOKEN: TOKEN } })
    await tail.stderr.has(/subscribed to a:1 at .*subscribed to b at /s)
    await app.channels.publish('b', 'first')
    await publish(app, 'a:1', { n: 1 })
    await eventually(() => tail.stdout.lines.length === 2)
    t.match(tail.stdout.lines.map((line) => JSON.parse(line) as unknown), [{ channel: 'b', message: 'first', id: /:1$/ }, { channel: 'a:1', message: { n: 1 }, id: /:1$/ }])
    await ended(tail, 0)
  })

  t.test('continues after the last message of each channel when the service comes back', async (t) => {
    const { server, urls } = await scripted(t,
      cut(SUBSCRIBED, '{"channel":"b","event":"subscribed","id":"e:7","recovered":true}\n', '\n{"channel":"a","message":1.0,"id":"e:1"}\n{"channel":"a","mess'),
      lines(SUBSCRIBED.replace('e:0', 'e:1'), '{"channel":"a","message":1,"id":"e:1"}\n{"channel":"a","message":2,"id":"e:2"}\n'))
    const tail = startCommand(t, 'tail', ['a,b', '--server', server])
    await tail.stdout.has(/"e:2"/)
    t.equal(tail.stdout.text, '{"channel":"a","message":1.0,"id":"e:1"}\n{"channel":"a","message":2,"id":"e:2"}\n')
    t.strictSame(urls, ['/a?heartbeat=1&channels=b', '/a?heartbeat=1&channels=b&since=e%3A1%2Ce%3A7'])
    t.match(tail.stderr.text, /reconnecting in \d/)
    await ended(tail, 0)
  })

  t.test('begins where --since says', async (t) => {
    for (const [args, url] of [
      [['a', '--since', 'earliest'], '/a?heartbeat=1&since=earliest'],
      [['a', 'b', '--since', 'e:4,'], '/a?heartbeat=1&channels=b&since=e%3A4%2Cnow'],
      [['a', 'b', '--since', 'earliest'], '/a?heartbeat=1&channels=b&since=earliest%2Cearliest']
    ] as const) {
      const { server, urls } = await scripted(t, lines(SUBSCRIBED))
      const tail = startCommand(t, 'tail', [...args, '--server', server])
      await eventually(() => urls.length > 0)
      t.equal(urls[0], url)
      await ended(tail, 0)
    }
  })

  t.test('tells of gaps, also with --quiet', async (t) => {
    const { server } = await scripted(t, lines(SUBSCRIBED, '{"channel":"a","event":"subscribed","id":"f:4","recovered":false,"reason":"epoch"}\n', '{"channel":"a","message":1,"id":"f:7"}\n{"event":"later"}\n{"channel":"a","event":"later","id":"e:1"}\n{"channel":"a"}\n'))
    const tail = startCommand(t, 'tail', ['a', '-q', '--server', server])
    await tail.stderr.has(/f:7/)
    t.equal(tail.stderr.text, 'gap in a (epoch): messages before f:4 are lost\ngap in a: messages before f:7 are lost\n')
    await ended(tail, 0)
  })

  t.test('ends when every channel has ended, and with 1 when the last one is refused', async (t) => {
    const end = '{"channel":"a","event":"end","id":"e:1","reason":"done"}\n'
    const refused = '{"channel":"b","event":"refused","code":"MSG_ERR_CHANNEL_FORBIDDEN","message":"not yours","close":4403}\n'
    const one = await scripted(t, lines(SUBSCRIBED, end))
    t.match(await run(t, 'tail', ['a', '--server', one.server]), { code: 0, stderr: /a has ended: done\n$/ })
    const silent = await scripted(t, lines('{"channel":"a","event":"end","id":"e:1"}\n'))
    t.match(await run(t, 'tail', ['a', '--server', silent.server]), { code: 0, stderr: /a has ended\n$/ })
    const two = await scripted(t, lines(SUBSCRIBED, refused, end))
    t.match(await run(t, 'tail', ['a', 'b', '--server', two.server]), { code: 1, stderr: /refused b: not yours\na has ended: done\nfastify-messenger tail: b was refused: not yours\n$/ })
  })

  t.test('asks again for a channel that is refused for now', async (t) => {
    const { server, urls } = await scripted(t, lines(SUBSCRIBED, '{"channel":"b","event":"refused","code":"MSG_ERR_FULL","message":"full","close":1013}\n'), lines(SUBSCRIBED))
    const tail = startCommand(t, 'tail', ['a', 'b', '--server', server])
    await eventually(() => urls.length === 2)
    t.match(tail.stderr.text, /b is refused for now \(full\); reconnecting/)
    await ended(tail, 0)
  })

  t.test('ends with 1 on what the service says for good', async (t) => {
    for (const answer of [error(401, 'MSG_ERR_TOKEN_REQUIRED'), error(403, 'MSG_ERR_CHANNEL_FORBIDDEN'), error(400, 'MSG_ERR_SINCE_INVALID'), lines(SUBSCRIBED, '{"channel":"a","event":"close","code":4401,"reason":"MSG_ERR_TOKEN_EXPIRED"}\n')]) {
      const { server, urls } = await scripted(t, answer)
      t.match(await run(t, 'tail', ['a', '--server', server]), { code: 1, stdout: '', stderr: /fastify-messenger tail: .*MSG_ERR_/ })
      t.equal(urls.length, 1)
    }
  })

  t.test('goes on after what passes: errors, closes, silence, and answers of something else', async (t) => {
    const passing: [(response: ServerResponse) => void, RegExp][] = [
      [error(503, 'MSG_ERR_CLOSED', { 'retry-after': '0' }), /answered 503 \(MSG_ERR_CLOSED\)/],
      [error(429, 'MSG_ERR_RATE_LIMITED'), /answered 429/],
      [error(404, 'NOT_OURS'), /answered 404 that is not this service/],
      [(response) => { response.end('<html>') }, /answered 200 that is not this service/],
      [lines(SUBSCRIBED), /nothing was heard for 0 s/],
      [cut(SUBSCRIBED, '{"channel":"a","event":"close","code":1012,"reason":"retry=1"}\n'), /closed the stream \(retry=1\)/],
      [cut(SUBSCRIBED, '{"channel":"a","event":"close","code":1001}\n'), /closed the stream \(1001\)/],
      [(response) => { response.writeHead(200, LINES).end(SUBSCRIBED) }, /the connection was cut/]
    ]
    for (const [answer, text] of passing) {
      const { server } = await scripted(t, answer, lines(SUBSCRIBED, '{"channel":"a","message":1,"id":"e:1"}\n'))
      const tail = startCommand(t, 'tail', ['a', '--server', server])
      await tail.stdout.has(/e:1/)
      t.match(tail.stderr.text, text)
      await ended(tail, 0)
    }
  })

  t.test('waits for a slow reader, and ends when there is none any more', async (t) => {
    const message = (number: number): string => `{"channel":"a","message":1,"id":"e:${number}"}\n`
    const { server } = await scripted(t, lines(SUBSCRIBED.replace('20', '0'), message(1), message(2), message(3)))
    const tail = startCommand(t, 'tail', ['a', '--server', server])
    tail.stdout.full = true
    await tail.stdout.has(/e:1/)
    t.equal(tail.stdout.lines.length, 1)
    tail.stdout.emit('drain')
    await tail.stdout.has(/e:2/)
    tail.end('EPIPE')
    t.equal(await tail.exited, 0)
    t.equal(tail.stdout.lines.length, 2)
  })

  t.test('writes no more once its output is closed', async (t) => {
    const { server } = await scripted(t, lines(SUBSCRIBED, '{"channel":"a","message":1,"id":"e:1"}\n'))
    const tail = startCommand(t, 'tail', ['a', '--server', server])
    tail.stdout.full = true
    tail.stdout.write = () => {
      tail.end('EPIPE')
      return false
    }
    t.equal(await tail.exited, 0)
  })

  t.test('ends with 1 and a stack on an unexpected error', async (t) => {
    const { server } = await scripted(t, lines(SUBSCRIBED, '{"channel":"a","message":1,"id":"e:1"}\n'))
    const tail = startCommand(t, 'tail', ['a', '--server', server])
    tail.stdout.write = () => { throw new Error('not foreseen') }
    t.equal(await tail.exited, 1)
    t.match(tail.stderr.text, /fastify-messenger tail: Error: not foreseen\n +at /)
  })

  t.test('says what is wrong with the arguments', async (t) => {
    for (const [args, text] of [
      [[], /name a channel/], [['a b'], /"a b" is not the name/], [['a', 'a'], /named twice/],
      [['a', '--since', 'x'], /--since "x" is not an id/], [['a', 'b', '--since', 'e:1'], /one value for each of the 2 channels/],
      [['a', '--since', 'e:1,e:2'], /is not an id/]
    ] as const) t.match(await run(t, 'tail', [...args]), { code: 2, stdout: '', stderr: text })
  })

  t.test('ends while it waits for another attempt', async (t) => {
    const tail = startCommand(t, 'tail', ['a', '--server', 'http://127.0.0.1:9'])
    await tail.stderr.has(/reconnecting/)
    await ended(tail, 0)
  })
})

t.test('positions', async (t) => {
  t.test('know a message from a repeated one and from one behind a hole', async (t) => {
    const positions = new Positions(new Map([['a', '']]))
    t.equal(positions.advance('a', 'e:4'), 'next')
    t.equal(positions.advance('a', 'e:5'), 'next')
    t.equal(positions.advance('a', 'e:5'), 'known')
    t.equal(positions.advance('a', 'e:7'), 'gap')
    t.equal(positions.advance('a', 'f:1'), 'next')
    t.equal(positions.advance('a', 'no id'), 'next')
    positions.set('b', 'e:1')
    t.equal(positions.advance('b', 'e:1'), 'next')
    t.equal(positions.size, 1)
    positions.clear()
    t.equal(positions.url, '/?heartbeat=1')
  })
})

t.test('a line', async (t) => {
  t.test('is nothing where it is not known', async (t) => {
    for (const line of ['', '{', '1', 'null', '{}', '{"channel":1}', '{"channel":"a"}', '{"channel":"a","event":"new","id":"e:1"}']) t.equal(parseLine(line), undefined)
  })

  t.test('is put together from chunks that cut characters', async (t) => {
    const bytes = Buffer.from('ü\n€\nrest')
    async function * chunks (): AsyncGenerator<Buffer> { for (const byte of bytes) yield Buffer.from([byte]) }
    const found: string[] = []
    for await (const line of linesOf(chunks())) found.push(line)
    t.strictSame(found, ['ü', '€'])
  })
})

t.test('a watchdog', async (t) => {
  t.test('waits a minute where no heartbeat is announced, and ends with the outer signal', async (t) => {
    const outer = new AbortController()
    const watchdog = new Watchdog(outer.signal)
    watchdog.expect(0)
    watchdog.heard()
    t.notOk(watchdog.signal.aborted)
    outer.abort('SIGINT')
    t.equal(watchdog.signal.reason, 'SIGINT')
    watchdog.stop()
  })
})
