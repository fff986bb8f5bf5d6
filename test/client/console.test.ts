import t from 'tap'
import { connectToChannel, type Options } from '../../src/client/index.js'
import { FakePage } from './fake-page.js'

/** Connects as a page does that has a callback for messages and no other. */
async function connect (page: FakePage, options: Options = {}): Promise<void> {
  page.disconnect = connectToChannel('room', () => undefined, options)
  await page.pass(0)
}

t.test('without callbacks the console', async (t) => {
  t.test('names a refusal, its code and what to do, once', async (t) => {
    const cases: [code: number, reason: string, remedy: RegExp][] = [
      [1008, 'MSG_ERR_CHANNEL_RESERVED', /check channel/],
      [4403, 'MSG_ERR_CHANNEL_FORBIDDEN', /check token/],
      [4401, 'MSG_ERR_TOKEN_REFUSED', /check token/],
      [1013, 'MSG_ERR_FULL', /check server/]
    ]
    for (const [code, reason, remedy] of cases) {
      const page = new FakePage(t)
      await connect(page, { transport: 'websocket' })
      for (let refusals = 0; refusals < 3; refusals++) {
        page.socket.end(code, reason)
        await page.pass(Math.min(page.next, 30_000))
      }
      t.equal(page.logged.length, 1, reason)
      for (const part of [/room/, String(code), reason, remedy]) t.match(page.logged[0], part)
      page.disconnect()
    }
  })

  t.test('names each of several reasons once', async (t) => {
    const page = new FakePage(t)
    await connect(page, { transport: 'websocket' })
    for (const reason of ['MSG_ERR_TOKEN_REQUIRED', 'MSG_ERR_TOKEN_REFUSED', 'MSG_ERR_TOKEN_REQUIRED']) {
      page.socket.end(4401, reason)
      await page.pass(page.next)
    }
    t.equal(page.logged.length, 2)
    page.disconnect()
  })

  t.test('names a token function that throws, rejects or does not answer', async (t) => {
    const tokens: [() => string | Promise<string>, RegExp][] = [
      [() => { throw new Error('no session') }, /no session/],
      [() => Promise.reject(new Error('offline')), /offline/],
      [() => new Promise(() => undefined), /silence/]
    ]
    for (const [token, text] of tokens) {
      const page = new FakePage(t)
      await connect(page, { token })
      await page.pass(100_000)
      t.equal(page.logged.length, 1)
      t.match(page.logged[0], text)
      t.match(page.logged[0], /room.*4401.*check token/)
      page.disconnect()
    }
  })

  t.test('names a server that is another, or is not there', async (t) => {
    for (const answer of [() => new Response('<!doctype html>', { status: 404 }), () => Promise.reject(new TypeError('Failed to fetch'))]) {
      const page = new FakePage(t)
      page.answer = answer
      await connect(page)
      page.socket.end()
      await page.pass(0)
      t.equal(page.logged.length, 1)
      t.match(page.logged[0], /room.*(HTTP 404|Failed to fetch).*check server/)
      page.disconnect()
    }
  })

  t.test('says nothing of connections that are lost and made again, nor of a token that has run out', async (t) => {
    const page = new FakePage(t)
    await connect(page, { token: () => 'fresh' })
    for (const [code, reason] of [[1006, ''], [1012, 'retry=100'], [4401, 'MSG_ERR_TOKEN_EXPIRED'], [1001, '']] as const) {
      page.socket.subscribed('e:0')
      await page.pass(2_000)
      page.socket.end(code, reason)
      await page.pass(1_000)
    }
    t.strictSame([...page.logged, ...page.warned], [])
    page.disconnect()
  })

  t.test('names each gap', async (t) => {
    const page = new FakePage(t)
    await connect(page)
    page.socket.subscribed('e:1')
    page.socket.message('e:3')
    page.socket.subscribed('f:3', { recovered: false, reason: 'epoch' })
    t.match(page.warned, [/room.*gap.*missed/, /room.*gap.*epoch/])
    page.disconnect()
  })
})

t.test('with callbacks the console', async (t) => {
  t.test('says nothing', async (t) => {
    const page = new FakePage(t)
    await page.connect({ transport: 'websocket' })
    page.socket.end(4401, 'MSG_ERR_TOKEN_REFUSED')
    await page.pass(30_000)
    page.socket.subscribed('e:1')
    page.socket.message('e:3')
    page.socket.end(4403, 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.strictSame([...page.logged, ...page.warned], [])
  })
})
