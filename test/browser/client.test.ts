import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { origin, port, publish, startService } from '../helper.js'
import { launch, openPage } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

type Told = unknown[]

interface SubscriberWindow {
  told: Told[]
  disconnect: () => void
}

/** A page that subscribes to `room` and writes down what it is told. `server` is where the script tag points to. */
function subscriberHtml (server: string, { attributes = '', options = '' } = {}): string {
  return `<!doctype html>
<script src="${server}/client.js" ${attributes}></script>
<script>
  const told = []
  const disconnect = connectToChannel('room', (message, meta) => told.push(['message', message, meta.id]), {
    onOpen: () => told.push(['open']),
    onGap: ({ reason }) => told.push(['gap', reason]),
    onClose: ({ code, final }) => told.push(['close', code, final]),
    onState: (state) => told.push(['state', state]),
    ${options}
  })
  Object.assign(window, { told, disconnect })
</script>`
}

/** Resolves with all that was told once there are `count` entries of a kind. */
async function told (page: Page, kind: string, count = 1): Promise<Told[]> {
  await page.waitForFunction(
    ([kind, count]) => (window as never as SubscriberWindow).told.filter(([k]) => k === kind).length >= count, [kind, count] as const
  )
  return await page.evaluate(() => (window as never as SubscriberWindow).told)
}

function messages (entries: Told[]): unknown[] {
  return entries.filter(([kind]) => kind === 'message' || kind === 'gap').map(([, content]) => content)
}

/** Publishes and resolves with the id. */
async function send (app: FastifyInstance, message: unknown): Promise<unknown> {
  return (await publish(app, 'room', message)).body['id']
}

async function restart (t: Test, app: FastifyInstance): Promise<FastifyInstance> {
  const samePort = port(app)
  await app.close()
  return await startService(t, { PORT: String(samePort) })
}

t.test('the client in Chromium', async (t) => {
  const newContext = await launch(t)

  const open = (t: Test, url: string): Promise<Page> => openPage(t, newContext, url)

  await t.test('receives messages through a script tag on a page of another origin', async (t) => {
    const app = await startService(t)
    const { url } = await Site.start(t, subscriberHtml(origin(app), { attributes: `data-server="${origin(app)}"` }))
    const page = await open(t, url)
    await told(page, 'open')
    const content = { text: 'žluťoučký 😀', list: [0, false, null], ['__proto__x']: {} }
    const id = await send(app, content)
    t.strictSame((await told(page, 'message')).filter(([kind]) => kind !== 'state'), [['open'], ['message', content, id]])
  })

  await t.test('connects with a token, which is not in the URL', async (t) => {
    const app = await startService(t)
    const { url } = await Site.start(t, subscriberHtml('', { options: `token: async () => 'a.b-c_d'` }), app)
    const context = await newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const socket = page.waitForEvent('websocket')
    await page.goto(url)
    t.notMatch((await socket).url(), 'a.b')
    await told(page, 'open')
    await send(app, 1)
    t.strictSame(messages(await told(page, 'message')), [1])
  })

  await t.test('loads as a module, too', async (t) => {
    const app = await startService(t)
    const { url } = await Site.start(t, `<!doctype html><script type="module">
      import { connectToChannel } from '${origin(app)}/client.mjs'
      window.told = []
      connectToChannel('room', (message) => told.push(['message', message]), { server: '${origin(app)}/', onOpen: () => told.push(['open']) })
    </script>`)
    const page = await open(t, url)
    await told(page, 'open')
    await send(app, 'imported')
    t.strictSame(messages(await told(page, 'message')), ['imported'])
  })

  await t.test('resumes after a cut, with nothing lost and nothing twice', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml(''), app)
    const page = await open(t, site.url)
    await told(page, 'open')
    await send(app, 1)
    await told(page, 'message')
    site.cut()
    for (const message of [2, 3, 4]) await send(app, message)
    t.strictSame(messages(await told(page, 'message', 4)), [1, 2, 3, 4])
  })

  await t.test('notices a connection that only looks open, and resumes', async (t) => {
    const app = await startService(t, { PING_INTERVAL: '0.5' })
    const site = await Site.start(t, subscriberHtml(''), app)
    const page = await open(t, site.url)
    await told(page, 'open')
    site.stall()
    await send(app, 'into the void')
    const entries = await told(page, 'message')
    t.strictSame(messages(entries), ['into the void'])
    t.ok(entries.some(([kind, code]) => kind === 'close' && code === 1006))
  })

  await t.test('comes back after a restart of the service and says that the history is gone', async (t) => {
    const app = await startService(t)
    const { url } = await Site.start(t, subscriberHtml(origin(app), { attributes: `data-server="${origin(app)}"` }))
    const page = await open(t, url)
    await told(page, 'open')
    await send(app, 'before')
    await told(page, 'message')
    const next = await restart(t, app)
    // In process: a connection to the first service that is still pooled would fail.
    await next.channels.publish('room', 'after')
    const entries = await told(page, 'message', 2)
    t.strictSame(messages(entries), ['before', 'epoch', 'after'])
    t.ok(entries.some(([kind, code]) => kind === 'close' && (code === 1012 || code === 1001)), 'the close said why')
    t.strictSame(entries.filter(([kind]) => kind === 'state').map(([, state]) => state).slice(0, 3), ['connecting', 'open', 'waiting'])
  })

  await t.test('leaves the channel when disconnect is called', async (t) => {
    const app = await startService(t)
    const context = await newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const connection = page.waitForEvent('websocket')
    await page.goto((await Site.start(t, subscriberHtml(''), app)).url)
    const socket = await connection
    await told(page, 'open')
    t.equal(app.channels.subscriberCount('room'), 1)
    const closed = socket.waitForEvent('close')
    await page.evaluate(() => { (window as never as SubscriberWindow).disconnect() })
    await closed
    t.equal((await publish(app, 'room', 'late')).body['subscribers'], 0)
    t.strictSame(await page.evaluate(() => (window as never as SubscriberWindow).told), [['state', 'connecting'], ['state', 'open'], ['open']])
  })

  await t.test('takes an HTTP stream where WebSockets are blocked', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml(''), app)
    site.upgrades = false
    const page = await open(t, site.url)
    await told(page, 'open')
    const id = await send(app, 'streamed')
    const entries = await told(page, 'message')
    t.strictSame(entries.filter(([kind]) => kind === 'message'), [['message', 'streamed', id]])
    t.notOk(entries.some(([, state]) => state === 'waiting'), 'without a wait')
  })

  await t.test('keeps its place when it has to change from a WebSocket to an HTTP stream, and back', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml(''), app)
    const page = await open(t, site.url)
    await told(page, 'open')
    await send(app, 1)
    await told(page, 'message')
    site.upgrades = false
    site.cut()
    for (const message of [2, 3]) await send(app, message)
    await told(page, 'message', 3)
    await send(app, 4)
    await told(page, 'message', 4)
    site.upgrades = true
    site.cut()
    await send(app, 5)
    t.strictSame(messages(await told(page, 'message', 5)), [1, 2, 3, 4, 5])
  })

  await t.test('catches up when the browser is online again', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml(''), app)
    const page = await open(t, site.url)
    await told(page, 'open')
    await page.context().setOffline(true)
    site.cut()
    await told(page, 'close')
    await send(app, 'meanwhile')
    await page.context().setOffline(false)
    t.strictSame(messages(await told(page, 'message')), ['meanwhile'])
  })

  await t.test('serves two tabs, each with every message', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml(''), app)
    const first = await open(t, site.url)
    const second = await first.context().newPage()
    await second.goto(site.url)
    for (const tab of [first, second]) await told(tab, 'open')
    t.equal((await publish(app, 'room', 1)).body['subscribers'], 2)
    await first.close()
    await send(app, 2)
    t.strictSame(messages(await told(second, 'message', 2)), [1, 2])
  })

  await t.test('stops at a name that is reserved', async (t) => {
    const app = await startService(t)
    const site = await Site.start(t, subscriberHtml('').replace(`'room'`, `'client.js'`), app)
    const page = await open(t, site.url)
    t.strictSame((await told(page, 'close')).filter(([kind]) => kind === 'close'), [['close', 1008, true]])
    t.strictSame((await told(page, 'state', 2)).filter(([kind]) => kind === 'state'), [['state', 'connecting'], ['state', 'closed']])
  })
})

t.test('EventSource in Chromium', async (t) => {
  await t.test('resumes by itself after a cut', async (t) => {
    const newContext = await launch(t)
    const app = await startService(t)
    const site = await Site.start(t, `<!doctype html><script>
      const told = []
      const source = new EventSource('/room')
      source.addEventListener('subscribed', (event) => told.push(['subscribed', JSON.parse(event.data).recovered]))
      source.onmessage = (event) => told.push(['message', JSON.parse(event.data).message, event.lastEventId])
      Object.assign(window, { told })
    </script>`, app)
    const page = await (await newContext()).newPage()
    await page.goto(site.url)
    await told(page, 'subscribed')
    site.cut()
    const ids = [await send(app, 'idle channels resume'), await send(app, 'too')]
    t.strictSame(await told(page, 'message', 2), [['subscribed', true], ['subscribed', true], ['message', 'idle channels resume', ids[0]], ['message', 'too', ids[1]]])
  })
})
