import { once } from 'node:events'
import { connect, createServer, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { isGone, keepOpen } from '../../src/http/keep-open.js'

/** Responses to two requests on one session of HTTP/2 whose time for silence is `timeoutMs`, 0 for none. */
async function startSession (t: Test, timeoutMs: number): Promise<Http2ServerResponse[]> {
  const server = createServer().listen(0, '127.0.0.1')
  if (timeoutMs > 0) server.setTimeout(timeoutMs)
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => { session.destroy() })
  const responses: Http2ServerResponse[] = []
  while (responses.length < 2) {
    session.request({ ':path': '/' }).on('error', () => undefined)
    const [, response] = await once(server, 'request') as [unknown, Http2ServerResponse]
    responses.push(response)
  }
  return responses
}

/** Milliseconds of silence that a session may have. */
function timeoutOf ({ stream: { session } }: Http2ServerResponse): unknown {
  return (session as { timeout?: number } | undefined)?.timeout
}

t.test('keepOpen', async (t) => {
  t.test('lets a session of HTTP/2 be silent until none of its responses waits any more', async (t) => {
    const [first, second] = await startSession(t, 60_000) as [Http2ServerResponse, Http2ServerResponse]
    t.equal(timeoutOf(first), 60_000)
    const [letFirst, letSecond] = [keepOpen(first), keepOpen(second)]
    t.equal(timeoutOf(first), 0)
    letFirst()
    t.equal(timeoutOf(first), 0)
    letSecond()
    t.equal(timeoutOf(first), 60_000)
  })

  t.test('leaves a session silent that has no time for it', async (t) => {
    const [response] = await startSession(t, 0) as [Http2ServerResponse]
    keepOpen(response)()
    t.equal(timeoutOf(response), 0)
  })

  t.test('does nothing for a stream that is gone, nor for a session that ended meanwhile', async (t) => {
    const [gone, last] = await startSession(t, 60_000) as [Http2ServerResponse, Http2ServerResponse]
    gone.stream.destroy()
    t.ok(isGone(gone))
    keepOpen(gone)()
    const { session } = last.stream
    const letRest = keepOpen(last)
    session?.destroy()
    letRest()
    t.ok(isGone(last))
  })
})
