import t, { type Test } from 'tap'
import { FakePage } from './fake-page.js'

const json = (value: unknown): Response => new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json; charset=utf-8' } })
const message = (id: string) => ({ channel: 'room', message: id, id })
const answer = (id: string, messages: string[] = [], more: object = {}) => json({ channel: 'room', messages: messages.map(message), id, recovered: true, ...more })

/** A page behind something that collects streams; polls are answered with one answer after the other, then not any more. */
function page (t: Test, ...answers: Response[]): FakePage {
  const page = new FakePage(t)
  page.answer = (url) => {
    const next = url.includes('wait=') ? answers.shift() : undefined
    return next ?? new Promise(() => undefined)
  }
  return page
}

const seen = (page: FakePage) => page.take().filter(([kind]) => kind !== 'close').map(([kind, what]) => what ?? kind)

t.test('polls', async (t) => {
  t.test('take over at once from a stream that says nothing, and go on from the id of each answer', async (t) => {
    const fake = page(t, answer('e:3'), answer('e:5', ['e:4', 'e:5']), answer('e:6', ['e:6']))
    await fake.connect()
    fake.socket.end()
    await fake.pass(10_000)
    t.strictSame(seen(fake), ['open'])
    await fake.pass(1_000)
    t.strictSame(seen(fake), ['e:4', 'e:5', 'e:6'])
    t.strictSame(fake.requests.slice(-4).map((url) => url.slice(url.indexOf('?'))),
      ['?since=now&wait=0', '?since=e%3A3&wait=20', '?since=e%3A5&wait=20', '?since=e%3A6&wait=20'])
    fake.disconnect()
  })

  t.test('take over from a stream of which only the beginning comes through', async (t) => {
    const fake = page(t, answer('e:4', ['e:4']))
    const polled = fake.answer
    fake.answer = (url, init) => url.includes('wait=')
      ? polled(url, init)
      : new Response(new ReadableStream({
        start (controller) { controller.enqueue(new TextEncoder().encode('{"channel":"room","event":"subscribed","id":"e:3","recovered":true,"heartbeat":20000}\n')) }
      }), { headers: { 'content-type': 'application/x-ndjson' } })
    await fake.connect()
    fake.socket.end()
    await fake.pass(30_000)
    t.strictSame(seen(fake), ['open', 'open', 'e:4'])
    fake.disconnect()
  })

  t.test('announce a gap once, and none for a position that was carried over to another epoch', async (t) => {
    const fake = page(t, answer('e:3'), answer('f:4', ['f:4']), answer('f:5', ['f:5']), answer('f:9', ['f:8', 'f:9'], { recovered: false, reason: 'expired' }), answer('g:0', [], { recovered: false, reason: 'epoch' }))
    await fake.connect()
    fake.socket.end()
    await fake.pass(12_000)
    t.strictSame(seen(fake), ['open', 'f:4', 'f:5', 'expired', 'f:8', 'f:9', 'epoch'])
    fake.disconnect()
  })

  t.test('that are not answered are given up', async (t) => {
    const fake = page(t, answer('e:3'))
    await fake.connect()
    fake.socket.end()
    await fake.pass(10_000 + 37_500)
    t.match(fake.take().at(-1), ['close', 1006, 'silence', false])
    fake.disconnect()
  })

  t.test('look for a WebSocket again after a while', async (t) => {
    const fake = page(t, answer('e:3'), ...Array.from({ length: 400 }, () => answer('e:3')))
    await fake.connect()
    fake.socket.end()
    await fake.pass(50_000)
    t.ok(fake.sockets.length > 1)
    fake.disconnect()
  })

  t.test('do not follow each other without a pause, whatever answers', async (t) => {
    const fake = page(t, ...Array.from({ length: 1000 }, () => answer('e:3')))
    await fake.connect()
    fake.socket.end()
    await fake.pass(11_000)
    t.ok(fake.requests.length < 10)
    fake.disconnect()
  })
})
