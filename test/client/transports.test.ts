import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { connectToChannel, type Options } from '../../src/client/index.js'

/** Like a browser's, and unlike that of `ws`, it survives an error that nobody listens to. */
class PageSocket extends WebSocket {
  constructor (...args: ConstructorParameters<typeof WebSocket>) {
    super(...args)
    this.on('error', () => undefined)
  }
}

// The globals of a page, for real connections. Random 0: no wait between attempts.
Object.assign(globalThis, { WebSocket: PageSocket, addEventListener: () => undefined, location: new URL('http://page.example/') })

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A server on a free port that answers plain requests with one answer after the other, the last one for good. */
async function serve (t: Test, ...answers: Answer[]): Promise<{ server: Server, url: string }> {
  t.intercept(Math, 'random', { value: () => 0 })
  const server = createServer((request, response) => { (answers.length > 1 ? answers.shift() : answers[0])?.(request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Subscribes and resolves with what was told when `count` entries are there; disconnects then. */
async function listen (t: Test, server: string, count: number, options: Options = {}): Promise<unknown[][]> {
  const told: unknown[][] = []
  return await new Promise((resolve) => {
    const tell = (...entry: unknown[]) => {
      told.push(entry)
      if (told.length === count) {
        disconnect()
        resolve(told)
      }
    }
    const disconnect = connectToChannel('room', (message, { id }) => { tell(message, id) }, {
      server, onClose: ({ code, reason, final }) => { tell('close', code, reason, final) }, onGap: ({ reason }) => { tell('gap', reason) }, ...options
    })
    t.teardown(disconnect)
  })
}

function stream (response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.write(text)
}

const subscribed = (id: string) => JSON.stringify({ channel: 'room', event: 'subscribed', id, recovered: true, heartbeat: 25_000 })
const message = (id: string, value: unknown) => JSON.stringify({ channel: 'room', message: value, id })

t.test('a WebSocket', async (t) => {
  t.test('carries the token as a subprotocol and resumes after a close', async (t) => {
    const { server, url } = await serve(t)
    const requests: (string | undefined)[][] = []
    const sockets = new WebSocketServer({ server })
    t.teardown(() => { sockets.close() })
    sockets.on('connection', (socket, request) => {
      requests.push([request.url, request.headers['sec-websocket-protocol']])
      if (requests.length === 1) {
        socket.send(subscribed('e:0'))
        socket.send(message('e:1', 'ä'))
        socket.close(1012, 'retry=1')
      } else {
        socket.send(subscribed('e:1'))
        socket.send(message('e:2', [2]))
      }
    })
    t.strictSame(await listen(t, url, 3, { token: 'a.b' }), [['ä', 'e:1'], ['close', 1012, 'retry=1', false], [[2], 'e:2']])
    t.strictSame(requests, [['/room?since=now&heartbeat&frames', 'messenger,token.a.b'], ['/room?since=e%3A1&heartbeat&frames', 'messenger,token.a.b']])
  })

  t.test('that is refused with a final close is the last', async (t) => {
    const { server, url } = await serve(t)
    const sockets = new WebSocketServer({ server })
    t.teardown(() => { sockets.close() })
    sockets.on('connection', (socket) => { socket.close(1008, 'MSG_ERR_CHANNEL_INVALID') })
    t.strictSame(await listen(t, url, 1), [['close', 1008, 'MSG_ERR_CHANNEL_INVALID', true]])
  })
})

t.test('an HTTP stream', async (t) => {
  t.test('takes over at once where WebSockets do not get through, and back, from the same id', async (t) => {
    const requests: unknown[] = []
    const { server, url } = await serve(t, (request, response) => {
      requests.push([request.url, request.headers.accept, request.headers.authorization])
      stream(response, `${subscribed('e:4')}\n${message('e:5', 'streamed')}\n`)
      server.removeListener('upgrade', block)
      const sockets = new WebSocketServer({ server })
      t.teardown(() => { sockets.close() })
      sockets.on('connection', (socket, { url }) => {
        requests.push(url)
        socket.send(message('e:6', 'framed'))
      })
      response.write('', () => response.end())
    }, (_request, response) => { response.destroy() })
    const block = (_request: unknown, socket: { destroy: () => void }) => { socket.destroy() }
    server.on('upgrade', block)
    const told = await listen(t, url, 5, { token: () => 'secret' })
    t.strictSame(told.filter(([kind]) => kind !== 'close'), [['streamed', 'e:5'], ['framed', 'e:6']])
    t.strictSame(told.filter(([kind]) => kind === 'close').map(([, code]) => code), [1006, 1006, 1006])
    t.strictSame(requests, [['/room?since=now&heartbeat', 'application/x-ndjson', 'Bearer secret'], '/room?since=e%3A5&heartbeat&frames'])
  })

  t.test('is read line by line wherever it is cut, blank lines aside', async (t) => {
    const bytes = Buffer.from(`\n${subscribed('e:0')}\n\n${message('e:1', '😀é')}\n${message('e:2', 2)}\n`)
    const { url } = await serve(t, (_request, response) => {
      stream(response, '')
      const next = (index: number) => {
        if (index < bytes.length) response.write(bytes.subarray(index, index + 1), () => { setImmediate(next, index + 1) })
      }
      next(0)
    })
    t.strictSame(await listen(t, url, 2, { transport: 'http' }), [['😀é', 'e:1'], [2, 'e:2']])
  })

  t.test('drops a line that the end cuts off, and gets it again', async (t) => {
    const { url } = await serve(t,
      (_request, response) => {
        stream(response, `${subscribed('e:0')}\n${message('e:1', 'one').slice(0, 20)}`)
        response.end()
      },
      (_request, response) => { stream(response, `${subscribed('e:0')}\n${message('e:1', 'one')}\n`) })
    t.strictSame(await listen(t, url, 2, { transport: 'http' }), [['close', 1006, 'end of stream', false], ['one', 'e:1']])
  })

  t.test('ends with the code and the window of a close event', async (t) => {
    const close = (code: number, reason?: string) => `${JSON.stringify({ channel: 'room', event: 'close', code, reason })}\n`
    const { url } = await serve(t,
      (_request, response) => { stream(response, subscribed('e:0') + '\n' + close(1012, 'retry=5')) },
      (_request, response) => { stream(response, close(4403, 'MSG_ERR_CHANNEL_FORBIDDEN')) })
    t.strictSame(await listen(t, url, 2, { transport: 'http' }), [['close', 1012, 'retry=5', false], ['close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true]])
  })

  t.test('takes statuses as the close codes that mean the same', async (t) => {
    const status = (code: number, headers: Record<string, string> = {}, body = '<!doctype html>'): Answer => (_request, response) => { response.writeHead(code, headers).end(body) }
    const refused = (code: number, name: string): Answer => status(code, { 'content-type': 'application/json' }, JSON.stringify({ statusCode: code, code: name, error: '', message: '' }))
    const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString()
    const cases: [Answer, unknown[]][] = [
      [refused(400, 'MSG_ERR_CHANNEL_INVALID'), [1008, 'MSG_ERR_CHANNEL_INVALID', true]],
      [refused(401, 'MSG_ERR_TOKEN_EXPIRED'), [4401, 'MSG_ERR_TOKEN_EXPIRED', false]],
      [refused(403, 'MSG_ERR_CHANNEL_FORBIDDEN'), [4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true]],
      [refused(404, 'MSG_ERR_NOT_FOUND'), [1008, 'MSG_ERR_NOT_FOUND', true]],
      [refused(429, 'MSG_ERR_RATE_LIMITED'), [1013, 'MSG_ERR_RATE_LIMITED', false]],
      [refused(503, 'MSG_ERR_FULL'), [1013, 'MSG_ERR_FULL', false]],
      [status(400), [1008, 'HTTP 400', false]],
      [status(401), [4401, 'HTTP 401', false]],
      [status(403), [4403, 'HTTP 403', false]],
      [status(404), [1008, 'HTTP 404', false]],
      [refused(403, 'FST_ERR_OF_THE_HOST'), [4403, 'HTTP 403', false]],
      [status(403, {}, 'null'), [4403, 'HTTP 403', false]],
      [status(403, {}, '"MSG_ERR_CHANNEL_FORBIDDEN"'), [4403, 'HTTP 403', false]],
      [status(502), [1013, 'HTTP 502', false]],
      [status(503, { 'retry-after': '7' }), [1013, 'HTTP 503', false]],
      [status(503, { 'retry-after': inSeconds(7) }), [1013, 'HTTP 503', false]],
      [status(200, { 'content-type': 'text/html' }), [1013, 'HTTP 200', false]],
      [status(200), [1013, 'HTTP 200', false]],
      [status(204), [1013, 'HTTP 204', false]],
      [(request) => { request.socket.destroy() }, [1006, 'TypeError: fetch failed', false]]
    ]
    for (const [answer, close] of cases) {
      const { url } = await serve(t, answer)
      t.strictSame(await listen(t, url, 1, { transport: 'http' }), [['close', ...close]])
    }
  })

  t.test('is given up by disconnect', async (t) => {
    let aborted: () => void = () => undefined
    const abort = new Promise<void>((resolve) => { aborted = resolve })
    const { url } = await serve(t, (_request, response) => {
      void once(response, 'close').then(aborted)
      stream(response, `${subscribed('e:0')}\n${message('e:1', 1)}\n`)
    })
    t.strictSame(await listen(t, url, 1, { transport: 'http' }), [[1, 'e:1']])
    await abort
  })
})
