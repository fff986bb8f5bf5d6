import { Writable } from 'node:stream'
import t from 'tap'
import { drained } from '../../src/transports/drained.js'

/** A stream that takes one byte, and more of them when the test says so. */
function slowStream (): { stream: Writable, take: () => void } {
  let take = (): void => undefined
  const stream = new Writable({ highWaterMark: 1, write (_chunk, _encoding, done) { take = done } })
  return { stream, take: () => { take() } }
}

t.test('drained', async (t) => {
  t.test('resolves at once when the stream takes writes', async (t) => {
    const { stream } = slowStream()
    await drained(stream)
    t.equal(stream.listenerCount('drain'), 0)
  })

  t.test('resolves when the stream takes writes again, and leaves no listener behind', async (t) => {
    const { stream, take } = slowStream()
    stream.write('ab')
    const waiting = drained(stream)
    t.equal(stream.listenerCount('drain'), 1)
    take()
    await waiting
    t.equal(stream.listenerCount('drain') + stream.listenerCount('close'), 0)
  })

  t.test('resolves when the stream is closed, before or meanwhile', async (t) => {
    const { stream } = slowStream()
    stream.write('ab')
    const waiting = drained(stream)
    stream.destroy()
    await waiting
    await drained(stream)
    t.equal(stream.listenerCount('drain') + stream.listenerCount('close'), 0)
  })
})
