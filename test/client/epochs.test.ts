import t from 'tap'
import { FakePage } from './fake-page.js'

/** The messages and the gaps, as one list. */
function seen (page: FakePage): unknown[] {
  return page.take().filter(([kind]) => kind === 'message' || kind === 'gap').map(([, what]) => what)
}

/** A page that has `e1:1` to `e1:42`. */
async function connected (page: FakePage): Promise<FakePage> {
  await page.connect({ transport: 'websocket' })
  page.socket.subscribed('e1:0')
  for (let offset = 1; offset <= 42; offset++) page.socket.message(`e1:${offset}`)
  page.take()
  return page
}

async function reconnect (page: FakePage): Promise<void> {
  page.socket.end(1012, 'retry=1')
  await page.pass(1000)
}

t.test('a position that is carried over to another epoch', async (t) => {
  t.test('is no gap, in mid-stream', async (t) => {
    const page = await connected(new FakePage(t))
    page.socket.subscribed('3-x7f3a9-0c1d:42')
    page.socket.message('3-x7f3a9-0c1d:43')
    t.strictSame(seen(page), ['3-x7f3a9-0c1d:43'])
    await reconnect(page)
    t.match(page.socket.url, 'since=3-x7f3a9-0c1d%3A43&')
  })

  t.test('is no gap when the client comes back with the former one, whatever the offsets', async (t) => {
    for (const position of ['e2:42', 'e2:7', 'e2:0', 'e2:9000']) {
      const page = await connected(new FakePage(t))
      await reconnect(page)
      t.match(page.socket.url, 'since=e1%3A42&')
      page.socket.subscribed(position)
      const next = position.replace(/\d+$/, (offset) => String(Number(offset) + 1))
      page.socket.message(next)
      t.strictSame(seen(page), [next], position)
      page.disconnect()
    }
  })

  t.test('may be carried over several times, and back, and nothing is handed over twice', async (t) => {
    const page = await connected(new FakePage(t))
    page.socket.subscribed('e2:42')
    page.socket.message('e2:43')
    await reconnect(page)
    // An instance on the former master, which does not know better.
    page.socket.subscribed('e1:40')
    for (const id of ['e1:41', 'e1:42', 'e1:43']) page.socket.message(id)
    await reconnect(page)
    t.match(page.socket.url, 'since=e1%3A43&')
    page.socket.subscribed('e2:42')
    for (const id of ['e2:43', 'e2:44']) page.socket.message(id)
    page.socket.subscribed('e3:44')
    page.socket.message('e3:45')
    t.strictSame(seen(page), ['e2:43', 'e1:43', 'e2:44', 'e3:45'])
  })

  t.test('is remembered for the last four epochs', async (t) => {
    const page = await connected(new FakePage(t))
    for (const epoch of ['e2', 'e3', 'e4']) {
      page.socket.subscribed(`${epoch}:42`)
      page.socket.message(`${epoch}:43`)
      for (const id of ['e1:42', 'e2:42', `${epoch}:43`]) page.socket.message(id)
    }
    t.strictSame(seen(page), ['e2:43', 'e3:43', 'e4:43'])
  })

  t.test('is a gap when it skips messages within one epoch', async (t) => {
    const page = await connected(new FakePage(t))
    await reconnect(page)
    page.socket.subscribed('e1:44')
    page.socket.message('e1:45')
    t.strictSame(seen(page), ['missed', 'e1:45'])
  })
})

t.test('a message of another epoch', async (t) => {
  t.test('that no event announces is behind a gap', async (t) => {
    const page = await connected(new FakePage(t))
    for (const id of ['e2:1', 'e2:2', 'e3:43']) page.socket.message(id)
    t.strictSame(seen(page), ['missed', 'e2:1', 'e2:2', 'missed', 'e3:43'])
  })
})

t.test('a gap that the server announces', async (t) => {
  t.test('moves the position, and hands nothing over twice', async (t) => {
    const page = await connected(new FakePage(t))
    await reconnect(page)
    page.socket.subscribed('e1:10', { recovered: false, reason: 'expired' })
    for (let offset = 11; offset <= 44; offset++) page.socket.message(`e1:${offset}`)
    t.strictSame(seen(page), ['expired', 'e1:43', 'e1:44'])
  })

  t.test('is followed by everything when the position never was one of this client', async (t) => {
    const page = new FakePage(t)
    await page.connect({ since: 'e1:999999' })
    page.socket.subscribed('e1:10', { recovered: false, reason: 'expired' })
    for (const id of ['e1:11', 'e1:12']) page.socket.message(id)
    t.strictSame(seen(page), ['expired', 'e1:11', 'e1:12'])
  })

  t.test('is announced once for an epoch that was lost', async (t) => {
    const page = await connected(new FakePage(t))
    await reconnect(page)
    page.socket.subscribed('e2:3', { recovered: false, reason: 'epoch' })
    page.socket.message('e2:4')
    t.strictSame(seen(page), ['epoch', 'e2:4'])
  })
})
