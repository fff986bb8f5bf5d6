import t from 'tap'
import { Site } from './fake-site.js'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

t.test('connections of one page over HTTP', async (t) => {
  t.test('hold three requests open; the others are brief, with pauses between', async (t) => {
    const site = await new Site(t, { transport: 'http', share: false }).open(...NAMES)
    t.strictSame(site.take(), NAMES.map((name) => [name, 'open']))
    await site.page.pass(250)
    t.strictSame([...site.server.peers].map(({ channels }) => [...channels]), [['a'], ['b'], ['c']])
    await site.page.pass(10_000)
    t.equal(site.server.urls.filter((url) => url === 'a').length, 1)
    const { length } = site.server.urls.filter((url) => url === 'g')
    t.ok(length >= 8 && length <= 10, `${length} requests`)
    t.strictSame(site.take(), [])
  })

  t.test('hand over each message once, within a moment', async (t) => {
    const site = await new Site(t, { transport: 'http', share: false }).open(...NAMES)
    for (let message = 0; message < 30; message++) {
      for (const name of NAMES) site.server.publish(name, message)
      await site.page.pass(130)
    }
    await site.page.pass(1_300)
    const told = site.take('message', 'gap', 'close')
    const all = Array.from({ length: 30 }, (_, message) => message)
    for (const name of NAMES) t.strictSame(told.filter(([channel]) => channel === name).map(([, , message]) => message), all)
  })

  t.test('hold a request open when another connection has ended', async (t) => {
    const site = await new Site(t, { transport: 'http', share: false }).open(...NAMES)
    site.leave('a')
    await site.page.pass(2_000)
    t.strictSame([...site.server.peers].map(({ channels }) => [...channels]).flat().slice(0, 2), ['b', 'c'])
    const before = site.server.urls.length
    await site.page.pass(10_000)
    t.equal(new Set(site.server.urls.slice(before)).size, 3)
  })

  t.test('poll without waiting for messages where streams do not get through', async (t) => {
    const site = new Site(t, { transport: 'http', share: false })
    const answer = site.page.answer
    site.page.answer = (url, init) => url.includes('heartbeat') ? new Promise(() => undefined) : answer(url, init)
    await site.open(...NAMES)
    await site.page.pass(15_000)
    const polls = site.page.requests.map((url) => new URL(url)).filter(({ searchParams }) => searchParams.has('wait'))
    const waits = (name: string) => new Set(polls.filter(({ pathname }) => pathname === `/${name}`).map(({ searchParams }) => searchParams.get('wait')))
    t.strictSame([...waits('a')], ['0', '20'])
    t.strictSame([...waits('g')], ['0'])
  })

  t.test('end a brief request between two messages only', async (t) => {
    const site = await new Site(t, { transport: 'http', share: false }).open('a', 'b', 'c')
    const bytes = new TextEncoder().encode('{"channel":"d","event":"subscribed","id":"e:0","recovered":true}\n{"channel":"d","message":"long","id":"e:1"}\n')
    let ended = 0
    site.page.answer = () => {
      let sent = 0
      return new Response(new ReadableStream({
        // Slower than a brief request lasts.
        async pull (controller) {
          await new Promise((resolve) => setTimeout(resolve, 50))
          if (sent < bytes.length) controller.enqueue(bytes.slice(sent, sent += 10))
          else await new Promise(() => undefined)
        },
        cancel () { ended++ }
      }), { headers: { 'content-type': 'application/x-ndjson' } })
    }
    site.take()
    site.subscribe('d')
    await site.page.pass(1_000)
    t.strictSame(site.take(), [['d', 'open'], ['d', 'message', 'long']])
    t.equal(ended, 1)
  })
})
