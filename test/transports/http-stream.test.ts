import { PassThrough } from 'node:stream'
import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { HttpStreamSubscriber } from '../../src/transports/http-stream.js'
import { Close } from '../../src/wire/close.js'

/** A response that is not on a connection of its own, as in tests that inject and over HTTP/2. */
function subscribe (
  t: Test, headers: Record<string, string | undefined> = {}
): { subscriber: HttpStreamSubscriber, response: PassThrough & { head: unknown[] } } {
  const response = Object.assign(new PassThrough({ highWaterMark: 10 }), {
    head: [] as unknown[],
    setHeader (...args: unknown[]) { this.head.push(args) },
    removeHeader () {},
    writeHead () {},
    flushHeaders () {},
    socket: null
  })
  t.teardown(() => { response.destroy() })
  return {
    response,
    subscriber: new HttpStreamSubscriber({ response: response as unknown as ServerResponse, format: 'text/event-stream', channel: 'room', headers, heartbeatMs: undefined })
  }
}

t.test('HttpStreamSubscriber', async (t) => {
  t.test('keeps the headers that hooks have set', (t) => {
    const { response } = subscribe(t, { 'x-host': 'yes', 'x-none': undefined })
    t.strictSame(response.head, [['x-host', 'yes']])
    t.end()
  })

  t.test('waits until what it wrote is taken', async (t) => {
    const { subscriber, response } = subscribe(t)
    subscriber.write(Buffer.alloc(100))
    t.equal(subscriber.unsentBytes > 0 || response.readableLength > 0, true)
    const drained = subscriber.drained()
    response.resume()
    await drained
    t.equal(subscriber.unsentBytes, 0)
  })

  t.test('closes once, writes nothing afterwards, and is destroyed by terminate()', async (t) => {
    const { subscriber, response } = subscribe(t)
    subscriber.close(Close.TRY_AGAIN, 'too slow')
    subscriber.close(Close.TRY_AGAIN, 'too slow')
    t.notOk(subscriber.isOpen())
    subscriber.write(Buffer.from('late'))
    t.equal(response.readableLength, 0)
    subscriber.terminate()
    t.ok(response.destroyed)
  })

  t.test('is ended some time after its close when the client does not read', (t) => {
    const timers: (() => void)[] = []
    t.intercept(globalThis, 'setTimeout', { value: (run: () => void) => { timers.push(run); return { unref () { return this } } } })
    const { subscriber, response } = subscribe(t)
    subscriber.close(Close.RESTART, 'retry=1000')
    t.notOk(response.destroyed)
    for (const run of timers) run()
    t.ok(response.destroyed)
    t.end()
  })
})
