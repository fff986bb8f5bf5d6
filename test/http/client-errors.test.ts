import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { answerClientError } from '../../src/http/client-errors.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { createHost } from '../helper.js'
import { connectRaw, type RawConnection } from '../sockets.js'
import { eventually } from '../eventually.js'

const GARBAGE = '\x16\x03\x01 this is no HTTP\r\n\r\n'
const SLOW = 'GET /slow HTTP/1.1\r\nHost: test\r\n\r\n'
const LARGE = 8_000_000

/** An app whose route `/slow` leaves it to the test to answer. */
async function startApp (t: Test): Promise<{ app: FastifyInstance, nextSlow: () => Promise<ServerResponse> }> {
  const waiting: ServerResponse[] = []
  const app = createHost(t, { clientErrorHandler (error, socket) { answerClientError(error, socket, new LimitCounters()) } })
  app.get('/slow', (_request, reply) => {
    reply.hijack()
    waiting.push(reply.raw)
  })
  app.get('/large', (_request, reply) => {
    reply.hijack()
    reply.raw.write('x'.repeat(LARGE))
    reply.raw.end()
  })
  app.post('/body', async ({ body }) => await Promise.resolve({ body }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    app,
    async nextSlow () {
      await eventually(() => waiting.length > 0)
      return waiting.shift() as ServerResponse
    }
  }
}

/** Everything that comes until the connection ends. */
async function readAll (connection: RawConnection): Promise<string> {
  await connection.closed
  return (await connection.readBytes(connection.unread)).toString()
}

const REFUSED = /HTTP\/1\.1 400 Bad Request\r\n[^]*\{"statusCode":400,"code":"MSG_ERR_REQUEST_INVALID"[^]*\}$/

t.test('what is no HTTP', async (t) => {
  t.test('is told so behind the answers to the requests before it', async (t) => {
    const { app, nextSlow } = await startApp(t)
    const connection = await connectRaw(t, app)
    connection.write(SLOW + SLOW + GARBAGE)
    const first = await nextSlow()
    const second = await nextSlow()
    connection.write(GARBAGE)
    second.end('second')
    first.end('first')
    t.match(await readAll(connection), new RegExp(`^HTTP/1.1 200 [^]*firstHTTP/1.1 200 [^]*second${REFUSED.source}`))
  })

  t.test('is told so once, however many errors there are on the connection', async (t) => {
    const counters = new LimitCounters()
    const overflow = Object.assign(new Error('too much'), { code: 'HPE_HEADER_OVERFLOW' })
    const app = createHost(t, {
      clientErrorHandler (error, socket) {
        answerClientError(error, socket, counters)
        answerClientError(overflow, socket, counters)
      }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = await connectRaw(t, app)
    connection.write(GARBAGE)
    t.match(await readAll(connection), new RegExp(`^${REFUSED.source}`))
    t.equal(counters.get('maxHeaderBytes'), 0)
  })

  t.test('does not cut off an answer that is on its way', async (t) => {
    const { app, nextSlow } = await startApp(t)
    const connection = await connectRaw(t, app)
    connection.write(SLOW)
    const response = await nextSlow()
    response.writeHead(200, { 'content-length': 6 })
    response.write('fir')
    t.match(await connection.readHead(), /^HTTP\/1.1 200 /)
    connection.write(GARBAGE)
    t.equal((await connection.readBytes(3)).toString(), 'fir')
    response.end('st!')
    t.match(await readAll(connection), /^st!HTTP\/1.1 400 /)
  })

  t.test('is told so behind an answer that is finished and not sent yet', async (t) => {
    const { app } = await startApp(t)
    const connection = await connectRaw(t, app)
    connection.write(`GET /large HTTP/1.1\r\nHost: test\r\n\r\n${GARBAGE}`)
    const text = await readAll(connection)
    t.ok(text.length > LARGE)
    t.match(text.slice(-1_000), REFUSED)
  })

  t.test('is told nothing behind an answer that ends the connection', async (t) => {
    const { app, nextSlow } = await startApp(t)
    const connection = await connectRaw(t, app)
    connection.write(SLOW + GARBAGE)
    ;(await nextSlow()).setHeader('connection', 'close').end('first')
    t.match(await readAll(connection), /^HTTP\/1.1 200 [^]*first$/)
  })

  t.test('ends a stream, which has no end to wait for', async (t) => {
    const { app, nextSlow } = await startApp(t)
    for (const request of [SLOW, SLOW.replace('Host', 'Transfer-Encoding: chunked\r\nHost')]) {
      const connection = await connectRaw(t, app)
      connection.write(request)
      const response = await nextSlow()
      response.writeHead(200)
      response.write('some')
      t.match(await connection.readHead(), /^HTTP\/1.1 200 /)
      connection.write(GARBAGE)
      t.notMatch(await readAll(connection), '400')
    }
  })

  t.test('is told so at once where it is part of the request that waits', async (t) => {
    const { app } = await startApp(t)
    const connection = await connectRaw(t, app)
    connection.write('POST /body HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
    t.match(await readAll(connection), new RegExp(`^${REFUSED.source}`))
  })
})
