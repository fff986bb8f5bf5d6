import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { launch } from '../browser/chromium.js'
import { startRedis } from '../brokers/redis/redis-server.js'
import { eventually } from '../eventually.js'
import { Example, isWhole, openStrictly } from './example.js'

// Packages are installed on the way.
const INSTALL_MS = 240_000

t.setTimeout(2 * INSTALL_MS)

const run = promisify(execFile)

async function openTwo (t: Test, newContext: Awaited<ReturnType<typeof launch>>, url: string): Promise<[Page, Page]> {
  return [await openStrictly(t, newContext, url), await openStrictly(t, newContext, url)]
}

/** Waits until the log of a page has these entries, newest first. */
async function hasEntries (page: Page, entries: RegExp[]): Promise<void> {
  const found = async (): Promise<string[]> => await page.getByRole('log').getByRole('listitem').allInnerTexts()
  let last: string[] = []
  await eventually(async () => {
    last = await found()
    return last.length === entries.length && last.every((text, index) => entries[index]?.test(text))
  }, { within: 60_000, message: () => `${JSON.stringify(last)} instead of ${String(entries)}` })
}

t.test('the examples beside others', async (t) => {
  const newContext = await launch(t)

  await t.test('beside-websocket: three WebSocket servers on one port have each their own clients', async (t) => {
    const { url } = await Example.start(t, 'beside-websocket')
    const [first, second] = await openTwo(t, newContext, url)
    await first.getByRole('button', { name: 'Send' }).click()
    await first.getByText('HELLO', { exact: true }).waitFor()
    await first.getByRole('button', { name: 'Wave' }).click()
    await second.getByText('Wave 1 of another page').waitFor()
    t.equal(await first.getByText('Wave 1 of another page').count(), 0)
    let news = 0
    await eventually(async () => {
      await first.getByRole('button', { name: 'Publish' }).click()
      return await second.getByText(`News ${++news}`).isVisible()
    }, { message: 'no news' })
    await first.getByText(/News \d/).waitFor()
  })

  if (!isWhole) return

  await t.test('nest: an order placed through a controller appears in every page of its user', async (t) => {
    const { url } = await Example.start(t, 'nest', {}, INSTALL_MS)
    const [first, second] = await openTwo(t, newContext, url)
    for (const page of [first, second]) await page.getByText('Live', { exact: true }).waitFor()
    await first.getByLabel('Item').fill('Beans')
    await first.getByRole('button', { name: 'Order' }).click()
    for (const page of [first, second]) await hasEntries(page, [/^1: Beans$/])
    await second.reload()
    await hasEntries(second, [/^1: Beans$/])
    t.equal((await fetch(`${url}/rt/orders:anna`)).status, 403, 'the provider decides')
    t.equal((await fetch(`${url}/rt/orders:anna`, { headers: { cookie: 'user=ben' } })).status, 403)
    t.equal((await fetch(`${url}/orders`, { method: 'POST' })).status, 401)
  })

  await t.test('processes: what any of three publishes is in every page, also when one of them dies', async (t) => {
    const redis = await startRedis(t)
    const example = await Example.start(t, 'processes', { REDIS_URL: redis.url }, INSTALL_MS)
    await eventually(() => example.output.match(/Process \d+: open/g)?.length === 3, { within: 60_000, message: () => example.output })
    const pages = await openTwo(t, newContext, example.url)
    for (const page of pages) await page.getByText('Live', { exact: true }).waitFor()
    const publishers: number[] = []
    const publish = async (): Promise<void> => {
      const { by } = await (await fetch(`${example.url}/publish`, { method: 'POST' })).json() as { by: number }
      publishers.push(by)
    }
    const entries = (): RegExp[] => publishers.map((by, index) => new RegExp(`^Message ${index + 1}, of process ${by}$`)).reverse()
    for (let count = 0; count < 6; count++) await publish()
    t.equal(new Set(publishers).size, 3, 'each of them has published')
    for (const page of pages) await hasEntries(page, entries())
    await run('kill', ['-KILL', String(publishers[0])])
    await eventually(() => example.output.match(/Process \d+: open/g)?.length === 4, { within: 60_000, message: () => example.output })
    for (let count = 0; count < 3; count++) await publish()
    for (const page of pages) await hasEntries(page, entries())
  })
})
