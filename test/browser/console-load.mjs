// `npm run console-load`: the page at / in Chromium with 5,000 occupied channels in its list, of which it watches 200, and 200 messages a
// second. Ends with 0 when no frame took longer than 100 ms. `-- --seconds 60` is a longer run.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { WebSocket } from 'ws'
import { metricsText, standIn } from './operations.mjs'

const TOKEN = 'console-load'
const CHANNELS = 5_000
const PER_CONNECTION = 100
const WATCHED = 200
const PER_SECOND = 200
const MAX_FRAME_MS = 100
const TICK_MS = 50
/** Everybody here has one address. */
const LIMITS = {
  MAX_CONNECTIONS_PER_ADDRESS: '1000',
  MAX_SOCKETS_PER_ADDRESS: '1000',
  MAX_SUBSCRIPTIONS_PER_ADDRESS: '100000',
  MAX_SUBSCRIBES_PER_SECOND: '100000'
}

const { values: { seconds } } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const channels = Array.from({ length: CHANNELS }, (_, index) => `channel:${String(index).padStart(4, '0')}`)

/** The service, in a process of its own; what is published to it comes from this one. */
async function startService () {
  const service = fork(new URL('../../dist/src/server.js', import.meta.url), {
    env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', BEARER_TOKEN: TOKEN, DRAIN_SECONDS: '0', ...LIMITS },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc']
  })
  let said = ''
  for await (const chunk of service.stdout) {
    said += chunk
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
    if (url !== undefined) {
      service.stdout.resume()
      return { service, url }
    }
  }
  throw new Error(`the service did not start: ${said}`)
}

async function occupy (url) {
  const sockets = []
  for (let from = 0; from < CHANNELS; from += PER_CONNECTION) {
    const names = channels.slice(from, from + PER_CONNECTION)
    const path = names.slice(0, 8).join(',')
    const socket = new WebSocket(`${url.replace('http', 'ws')}/${path}?channels=${names.slice(8).join(',')}`)
    await once(socket, 'open')
    socket.on('message', () => undefined)
    sockets.push(socket)
  }
  return sockets
}

/** Milliseconds of the processor that the longest task of the page's main thread took: other programs do not count. */
function longestTask (events) {
  const mains = new Set(events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`))
  const durations = events.filter(({ pid, tid, tdur }) => tdur !== undefined && mains.has(`${pid} ${tid}`)).map(({ tdur }) => tdur / 1_000)
  return durations.reduce((longest, duration) => Math.max(longest, duration), 0)
}

const { service, url } = await startService()
const sockets = await occupy(url)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage({ viewport: { width: 1600, height: 960 } })
page.on('pageerror', (error) => { console.error(error) })

// A service that does not list its channels is answered for.
const lists = (await fetch(`${url}/-/channels`, { headers: { authorization: `Bearer ${TOKEN}` } })).ok
let turn = 0
if (!lists) {
  await standIn(page, TOKEN, {
    channels: () => channels.map((channel, index) => ({ channel, subscribers: 1 + (index * 7 + turn++) % 50 })),
    metrics: () => metricsText({ connections: 50, channels: CHANNELS, published_total: turn, delivered_total: turn * 2 })
  })
}
const tails = [0, 1].map((half) => channels.slice(half * WATCHED / 2, (half + 1) * WATCHED / 2).join(','))
await page.goto(`${url}/#${tails.join(';')};${channels[0]}`)
await page.getByLabel('Token', { exact: true }).fill(TOKEN)
await page.getByRole('button', { name: 'Unlock' }).click()
await page.getByText('Live', { exact: true }).waitFor()
await page.getByText(/^First 1,000 channels$/).waitFor()

await page.evaluate(() => {
  const frames = []
  const tasks = []
  let last = performance.now()
  const frame = (now) => {
    frames.push(now - last)
    last = now
    globalThis.requestAnimationFrame(frame)
  }
  globalThis.requestAnimationFrame(frame)
  new PerformanceObserver((list) => { tasks.push(...list.getEntries().map(({ duration }) => duration)) }).observe({ type: 'longtask' })
  globalThis.measured = { frames, tasks }
})

await browser.startTracing(page, { categories: ['toplevel'] })
const end = performance.now() + Number(seconds) * 1_000
const begun = performance.now()
let published = 0
while (performance.now() < end) {
  const due = Math.floor((performance.now() - begun) / 1_000 * PER_SECOND) - published
  if (due > 0) {
    const messages = Array.from({ length: due }, (_, index) => {
      const number = published + index
      return { channel: channels[number % WATCHED], message: { number, at: Date.now(), text: 'x'.repeat(number % 200), list: [1, 2, 3] } }
    })
    published += due
    await fetch(`${url}/send`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify({ messages }) })
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS))
}

const tracing = JSON.parse(await browser.stopTracing())
const { frames, tasks } = await page.evaluate(() => globalThis.measured)
const elements = await page.evaluate(() => globalThis.document.querySelectorAll('*').length)
const sorted = frames.toSorted((a, b) => a - b)
const at = (part) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1)
const long = frames.filter((duration) => duration > MAX_FRAME_MS)
console.log(`${published} messages on ${WATCHED} channels, ${CHANNELS} channels listed${lists ? '' : ' (by a stand-in)'}, ${elements} elements`)
console.log(`${frames.length} frames: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms, ${long.length} above ${MAX_FRAME_MS} ms`)
console.log(`${tasks.length} tasks above 50 ms, the longest ${Math.max(0, ...tasks).toFixed(0)} ms`)
console.log(`of the processor the longest task took ${longestTask(tracing.traceEvents).toFixed(0)} ms`)
process.exitCode = long.length > 0 ? 1 : 0

await browser.close()
for (const socket of sockets) socket.terminate()
service.kill()
