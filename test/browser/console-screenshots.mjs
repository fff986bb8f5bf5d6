// `npm run console-screenshots`: draws the page at / as docs/console.md shows it, light, dark and narrow. Messages come from a service
// of its own; the figures are made up, so that five minutes of them do not take five minutes.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { start } from '../../dist/src/server.js'
import { metricsText, standIn } from './operations.mjs'

const DIRECTORY = join(import.meta.dirname, '../../docs/console')
const TOKEN = 'screenshots'
const TURNS = 150
const TURN_MS = 2_000

const app = await start({ PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', BEARER_TOKEN: TOKEN, DRAIN_SECONDS: '0' })
const url = `http://127.0.0.1:${app.server.address().port}/`
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'] })

const NAMES = ['orders', 'orders:eu', 'orders:us', 'chat:general', 'chat:support', 'user:7', 'user:12', 'user:31', 'price:BTC', 'price:ETH', 'price:EUR', 'ai:9f2c', 'ai:b01e', 'deploys', 'alerts', 'stock:4711', 'stock:4712', 'lobby']
const COUNTS = [1240, 812, 428, 96, 14, 3, 1, 2, 5120, 3310, 240, 1, 1, 12, 12, 8, 5, 2]
const CHANNELS = NAMES.map((channel, index) => ({ channel, subscribers: COUNTS[index] })).sort((a, b) => a.channel < b.channel ? -1 : 1)
const MEMBERS = ['anna', 'ben', 'chiara', 'david', 'emma', 'farid', 'grete', 'hugo'].map((sub, index) => ({ sub, connections: index === 2 ? 3 : 1 }))

/** The metrics of a service in a busy hour; the same in every run. */
function figures (turn) {
  const wave = (period, depth) => 1 + depth * Math.sin(turn / period) + depth / 3 * Math.sin(turn / 3.1)
  const totals = { published: 0, delivered: 0, slow: 0 }
  for (let past = 0; past <= turn; past++) {
    const rate = 90 * (1 + 0.25 * Math.sin(past / 14) + 0.1 * Math.sin(past / 2.3)) + (past > 96 && past < 108 ? 110 : 0)
    totals.published += Math.round(rate * 2)
    totals.delivered += Math.round(rate * 2 * 42)
    totals.slow += past > 96 && past < 110 ? rate * 0.12 : rate * 0.015
  }
  const { published, delivered, slow } = totals
  const histogram = (name, bounds, count) => ({ [`${name}_bucket`]: Object.fromEntries([...bounds.map(([bound, part]) => [`le="${bound}"`, Math.round((count - slow) * part)]), ['le="0.05"', Math.round(count - slow / 20)], ['le="+Inf"', count]]) })
  return {
    connections: { 'transport="websocket"': Math.round(10_400 * wave(23, 0.05)), 'transport="sse"': 310, 'transport="ndjson"': 24 },
    channels: Math.round(1_820 * wave(31, 0.04)),
    published_total: published,
    delivered_total: delivered,
    history_bytes: 61_000_000 + turn * 90_000,
    ...histogram('publish_seconds', [[0.001, 0.7], [0.0025, 0.96], [0.005, 0.99], [0.01, 1]], published),
    ...histogram('delivery_seconds', [[0.001, 0.3], [0.0025, 0.8], [0.005, 0.97], [0.01, 1]], published),
    limit_hits_total: { 'limit="maxConnectionsPerAddress"': 14, 'limit="maxBufferedBytes"': 3, 'limit="maxRefusedTokensPerMinute"': 0 },
    refused_total: { 'code="MSG_ERR_TOKEN_EXPIRED"': 41, 'code="MSG_ERR_ORIGIN_FORBIDDEN"': 2 },
    gaps_total: { 'reason="expired"': 2, 'reason="epoch"': 0 },
    closed_total: { 'code="1001"': 2_210, 'code="4401"': 41, 'code="1013"': 3 }
  }
}

const publish = (channel, message) => app.channels.publish(channel, message)

/** Messages as a shop has them. */
async function fill () {
  const cities = ['Lisbon', 'Graz', 'Oslo', 'Utrecht', 'Porto', 'Turin']
  for (let number = 0; number < 34; number++) {
    await publish(number % 3 === 0 ? 'orders:eu' : 'orders:us', { order: 90071992547 + number, status: ['paid', 'packed', 'shipped', 'paid', 'returned'][number % 5], total: { amount: (19 + number * 7.25).toFixed(2), currency: number % 3 === 0 ? 'EUR' : 'USD' }, city: cities[number % 6] })
    if (number % 2 === 0) await publish('price:BTC', { bid: 91_204.5 + number * 3.5, ask: 91_206 + number * 3.5, venue: 'A' })
    if (number % 9 === 0) await publish('chat:support', ['Hello, my parcel 4711 has not moved since Tuesday.', 'Let me look that up for you.', 'It is in Graz and goes out today.', 'Wonderful, thank you!'][number / 9])
    await new Promise((resolve) => setTimeout(resolve, 7))
  }
}

async function draw (name, { scheme, width, height, tab }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: width < 500 ? 2 : 1, hasTouch: width < 500, locale: 'en-GB', timezoneId: 'UTC' })
  const page = await context.newPage()
  page.on('pageerror', (error) => { console.error(error) })
  let turn = 0
  await standIn(page, TOKEN, {
    channels: () => CHANNELS,
    details: (channel) => ({ channel, subscribers: CHANNELS.find((one) => one.channel === channel)?.subscribers ?? 0, members: channel.startsWith('chat') ? MEMBERS : [], id: 'k3f9a2:1204' }),
    metrics: () => metricsText(figures(turn++))
  })
  await page.clock.install()
  await page.goto(`${url}#lobby`)
  if (width < 500) await page.getByRole('tab', { name: 'Push' }).click()
  await page.getByLabel('Token', { exact: true }).fill(TOKEN)
  await page.getByRole('button', { name: 'Unlock' }).click()
  await page.getByText('Operator', { exact: true }).waitFor()
  while (turn < TURNS) {
    const answered = page.waitForResponse(/metrics/)
    await page.clock.runFor(TURN_MS)
    await answered
  }
  await page.clock.resume()
  // Not before: to the client the time that passes so would be silence.
  await page.evaluate(() => { globalThis.location.hash = '#orders:eu,orders:us;price:BTC;chat:support' })
  if (width >= 500) {
    await page.getByRole('button', { name: 'chat:support, 14 subscribers' }).click()
    await page.getByText('chiara').waitFor()
    await page.getByRole('textbox', { name: 'Message' }).fill('{"order": 12345678901234567890, "status": "paid"}')
    await page.locator('.tail').first().getByRole('button', { expanded: false }).nth(1).click()
  } else if (tab === 'Watch') {
    await page.getByRole('tab', { name: 'Watch' }).click()
    await page.locator('.tail').first().getByRole('button', { expanded: false }).nth(1).click()
  } else {
    await page.getByRole('tab', { name: tab }).click()
  }
  await page.evaluate(() => { globalThis.document.activeElement.blur() })
  await page.mouse.move(0, 0)
  await page.waitForTimeout(300)
  await page.screenshot({ path: join(DIRECTORY, `${name}.png`) })
  await context.close()
}

mkdirSync(DIRECTORY, { recursive: true })
await fill()
const drawn = process.argv.slice(2)
for (const [name, options] of Object.entries({
  light: { scheme: 'light', width: 1600, height: 960 },
  dark: { scheme: 'dark', width: 1600, height: 960 },
  narrow: { scheme: 'light', width: 390, height: 844, tab: 'Watch' },
  'narrow-service': { scheme: 'dark', width: 390, height: 844, tab: 'Service' }
})) if (drawn.length === 0 || drawn.includes(name)) await draw(name, options)
await browser.close()
await app.close()
