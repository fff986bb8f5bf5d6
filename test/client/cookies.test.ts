import t from 'tap'
import { FakePage } from './fake-page.js'

const stream = () => new Response(new ReadableStream({
  start (controller) { controller.enqueue(new TextEncoder().encode('{"channel":"room","event":"subscribed","id":"e:3","recovered":true,"heartbeat":20000}\n')) }
}), { headers: { 'content-type': 'application/x-ndjson' } })
const refusal = () => new Response('{"statusCode":403,"code":"MSG_ERR_CHANNEL_FORBIDDEN"}', { status: 403, headers: { 'content-type': 'application/json' } })
/** The result of `fetch` without a network, or where the browser hides the answer. */
const hidden = () => Promise.reject(new TypeError('Failed to fetch'))

/** Connects by HTTP, with one answer after the other. */
async function connect (
  page: FakePage, answers: (() => Response | Promise<Response>)[], credentials?: RequestCredentials
): Promise<unknown[]> {
  const asked: unknown[] = []
  page.answer = (_url, init) => {
    asked.push(init.credentials)
    return answers.shift()?.() ?? new Promise(() => undefined)
  }
  await page.connect({ transport: 'http', credentials }).catch(() => undefined)
  return asked
}

t.test('cookies over HTTP', async (t) => {
  t.test('go along, as with a WebSocket', async (t) => {
    const page = new FakePage(t)
    t.strictSame(await connect(page, [stream]), ['include'])
    t.strictSame(page.take(), [['open']])
    page.disconnect()
  })

  t.test('stay behind where the browser hides an answer to them', async (t) => {
    const page = new FakePage(t)
    t.strictSame(await connect(page, [hidden, stream]), ['include', 'same-origin'])
    t.strictSame(page.take(), [['open']])
    page.disconnect()
  })

  t.test('decide about a refusal, when the network was away for one attempt only', async (t) => {
    const page = new FakePage(t)
    t.strictSame(await connect(page, [hidden, refusal, stream]), ['include', 'same-origin', 'include'])
    t.strictSame(page.take(), [['open']])
    page.disconnect()
  })

  t.test('do not keep a refusal from being final where they are hidden', async (t) => {
    const page = new FakePage(t)
    await connect(page, [hidden, refusal, hidden])
    t.strictSame(page.take(), [['close', 4403, 'MSG_ERR_CHANNEL_FORBIDDEN', true]])
  })

  t.test('follow the option where it is given', async (t) => {
    for (const credentials of ['include', 'same-origin', 'omit'] as const) {
      const page = new FakePage(t)
      t.strictSame(await connect(page, [hidden], credentials), [credentials])
      page.disconnect()
    }
  })
})
