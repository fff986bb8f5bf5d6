import type { Page } from 'playwright-core'
import t from 'tap'
import { publish, startService } from '../helper.js'
import { launch, openPage } from './chromium.js'
import { delayed } from './delay.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

const DELAY = 300
const ROUND_TRIP = 2 * DELAY

interface DashboardWindow {
  /** When each channel has opened. */
  opened: number[]
  told: string[]
  subscribe: (names: string[], options: object) => void
}

const HTML = `<!doctype html>
<script src="/client.js"></script>
<script>
  const opened = []
  const told = []
  const subscribe = (names, options) => names.forEach((name) => connectToChannel(name, (text) => told.push(name + ': ' + text), {
    onOpen: () => opened.push(performance.now()),
    onGap: () => told.push(name + ': gap'),
    ...options
  }))
  Object.assign(window, { opened, told, subscribe })
</script>`

const names = (count: number, length: number) => Array.from({ length: count }, (_, index) => String(index).padStart(length, 'channel-'))

async function subscribe (page: Page, channels: string[], options: object): Promise<void> {
  await page.evaluate(([channels, options]) => {
    (window as never as DashboardWindow).subscribe(channels, options)
  }, [channels, options] as const)
}

/** Resolves with the milliseconds from the first to the last of so many channels that open. */
async function spread (page: Page, count: number): Promise<number> {
  await page.waitForFunction((count) => (window as never as DashboardWindow).opened.length >= count, count)
  const opened = await page.evaluate(() => (window as never as DashboardWindow).opened)
  return Math.max(...opened) - Math.min(...opened)
}

async function told (page: Page, count: number): Promise<string[]> {
  await page.waitForFunction((count) => (window as never as DashboardWindow).told.length >= count, count)
  return await page.evaluate(() => (window as never as DashboardWindow).told)
}

/** Milliseconds that a request of the page itself takes. */
async function ownFetch (page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const begins = performance.now()
    await fetch('/-/live', { cache: 'no-store' })
    return performance.now() - begins
  })
}

t.test('24 channels of one page, 300 ms away from the service', async (t) => {
  const newContext = await launch(t)
  const app = await startService(t)
  const site = await Site.start(t, HTML, app)
  const url = await delayed(t, site.url, DELAY)

  t.test('are one WebSocket, and all open within two round trips of the first, whether their names fit in its URL or not', async (t) => {
    for (const length of [10, 90]) {
      const page = await openPage(t, newContext, url)
      const sockets: string[] = []
      page.on('websocket', (socket) => { sockets.push(socket.url()) })
      const channels = names(24, length)
      await subscribe(page, channels, {})
      const ms = await spread(page, 24)
      t.ok(ms <= 2 * ROUND_TRIP, `${Math.round(ms)} ms for names of ${length} characters`)
      t.equal(sockets.length, 1)
      for (const channel of channels) await publish(app, channel, 'hello')
      t.strictSame((await told(page, 24)).sort(), channels.map((channel) => `${channel}: hello`).sort())
    }
  })

  t.test('are one stream over HTTP, and requests of the page itself are answered at once', async (t) => {
    const page = await openPage(t, newContext, url)
    const streams: string[] = []
    page.on('request', (request) => { if (request.headers()['accept']?.includes('ndjson')) streams.push(request.url()) })
    const channels = names(24, 10)
    await subscribe(page, channels, { transport: 'http' })
    const ms = await spread(page, 24)
    t.ok(ms <= 2 * ROUND_TRIP, `${Math.round(ms)} ms`)
    t.equal(streams.length, 1)
    const own = await ownFetch(page)
    t.ok(own <= 2 * ROUND_TRIP, `${Math.round(own)} ms for a request of the page`)
    for (const channel of channels) await publish(app, channel, 'hello')
    t.strictSame((await told(page, 24)).sort(), channels.map((channel) => `${channel}: hello`).sort())
  })
})

t.test('ten connections of one page over HTTP/1.1', async (t) => {
  t.test('leave the page room for requests of its own, and lose nothing', async (t) => {
    const newContext = await launch(t)
    const app = await startService(t)
    const site = await Site.start(t, HTML, app)
    const page = await openPage(t, newContext, site.url)
    const channels = names(10, 10)
    await subscribe(page, channels, { transport: 'http', share: false })
    await spread(page, 10)
    for (let round = 0; round < 20; round++) {
      for (const channel of channels) await publish(app, channel, round)
      const own = await ownFetch(page)
      t.ok(own < 5_000, `${Math.round(own)} ms for a request of the page`)
    }
    const all = await told(page, 200)
    for (const channel of channels) {
      t.strictSame(all.filter((text) => text.startsWith(`${channel}:`)), Array.from({ length: 20 }, (_, round) => `${channel}: ${round}`))
    }
  })
})
