import { Writable } from 'node:stream'
import t from 'tap'
import type { WebSocket } from 'ws'
import { endOnce } from '../../src/http/internals.js'

t.test('endOnce', async (t) => {
  t.test('lets a stream end as ever, and makes a further end a step without effect', async (t) => {
    const written: string[] = []
    const stream = new Writable({ decodeStrings: false, write (text: string, _encoding, done) { written.push(text); done() } })
    endOnce({ _socket: stream, _receiver: new Writable() } as unknown as WebSocket)
    await new Promise<void>((resolve) => { stream.end('last', resolve) })
    t.strictSame(written, ['last'])
    t.equal(stream.end(() => { t.fail('called') }), stream)
    t.equal(stream.end('more'), stream)
    t.strictSame(written, ['last'])
    t.equal(stream.errored, null)
  })

  t.test('does nothing on a destroyed stream', async (t) => {
    const stream = new Writable()
    endOnce({ _socket: stream, _receiver: new Writable() } as unknown as WebSocket)
    stream.destroy()
    t.equal(stream.end(), stream)
    t.equal(stream.writableEnded, false)
  })
})
