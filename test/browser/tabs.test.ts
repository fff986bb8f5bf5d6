import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { origin, publish, startService } from '../helper.js'
import { launch, watchErrors } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

interface TabWindow {
  received: unknown[]
}

/** A page that subscribes to `room` together with other tabs. */
function tabHtml (server: string, options: string): string {
  return `<!doctype html>
<script src="${server}/client.shared.js" data-server="${server}"></script>
<script>
  window.received = []
  connectToChannel('room', (message) => { received.push(message) }, { share: 'user', since: 'earliest', ${options} })
</script>`
}

/** Opens tabs of one browser. */
async function openTabs (t: Test, context: BrowserContext, url: string, count: number): Promise<Page[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const page = await context.newPage()
    watchErrors(t, page)
    await page.goto(url)
    return page
  }))
}

async function received (page: Page, count: number): Promise<unknown[]> {
  await page.waitForFunction((count) => (window as never as TabWindow).received.length >= count, count)
  return await page.evaluate(() => (window as never as TabWindow).received)
}

t.test('tabs in Chromium', async (t) => {
  const newContext = await launch(t)

  for (const transport of ['websocket', 'http']) {
    await t.test(`share one connection, seven of them, and can make requests of their own: ${transport}`, async (t) => {
      const app = await startService(t)
      await publish(app, 'room', 1)
      const { url } = await Site.start(t, tabHtml(origin(app), `transport: '${transport}'`))
      const context = await newContext()
      t.teardown(() => context.close())
      const tabs = await openTabs(t, context, url, 7)
      for (const tab of tabs) t.strictSame(await received(tab, 1), [1])
      await publish(app, 'room', 2)
      for (const tab of tabs) t.strictSame(await received(tab, 2), [1, 2])
      await eventually(() => app.channels.subscriberCount('room') === 1, { message: 'more than one connection' })
      for (const tab of tabs) t.equal(await tab.evaluate(async (url) => (await fetch(url)).status, `${origin(app)}/room`), 200)
    })
  }

  await t.test('take over from one that is closed, and the rest miss nothing', async (t) => {
    const app = await startService(t)
    const { url } = await Site.start(t, tabHtml(origin(app), ''))
    const context = await newContext()
    t.teardown(() => context.close())
    const [first, ...others] = await openTabs(t, context, url, 3) as [Page, ...Page[]]
    await publish(app, 'room', 1)
    for (const tab of [first, ...others]) await received(tab, 1)
    await first.close()
    await publish(app, 'room', 2)
    for (const tab of others) t.strictSame(await received(tab, 2), [1, 2])
  })

  await t.test('have each a connection of their own in frames of no origin, where locks are denied', async (t) => {
    const app = await startService(t)
    const frame = tabHtml(origin(app), '').replaceAll('"', '&quot;').replaceAll('received.push(message)', 'received.push(message); parent.postMessage(message, "*")')
    const { url } = await Site.start(t, `<!doctype html>
<script>window.received = []; addEventListener('message', ({ data }) => { received.push(data) })</script>
<iframe sandbox="allow-scripts" srcdoc="${frame.replaceAll('"', '&quot;')}"></iframe><iframe sandbox="allow-scripts" srcdoc="${frame.replaceAll('"', '&quot;')}"></iframe>`)
    const context = await newContext()
    t.teardown(() => context.close())
    const [page] = await openTabs(t, context, url, 1) as [Page]
    await publish(app, 'room', 1)
    t.strictSame(await received(page, 2), [1, 1])
  })
})
