import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { eventually } from '../eventually.js'

/** Where Debian's package puts it. */
const EXECUTABLE = '/usr/bin/chromium'
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Starts a real Chromium; the end of the test ends it. The contexts it gives share nothing. */
export async function launch (t: Test): Promise<(options?: Parameters<Browser['newContext']>[0]) => Promise<BrowserContext>> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS })
  t.teardown(() => browser.close())
  return async (options) => await browser.newContext(options)
}

type Browser = Awaited<ReturnType<typeof chromium.launch>>

/** Opens a URL in a context of its own, which the end of the test closes. Errors of its scripts fail the test. */
export async function openPage (
  t: Test, newContext: Awaited<ReturnType<typeof launch>>, url: string, options?: Parameters<typeof newContext>[0]
): Promise<Page> {
  const context = await newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  watchErrors(t, page)
  await page.goto(url)
  return page
}

/** Waits until there are so many elements. */
export async function hasCount (locator: Locator, count: number): Promise<void> {
  await eventually(async () => await locator.count() === count, { message: `${count} elements` })
}

/** Fails the test when a script of the page throws. */
export function watchErrors (t: Test, page: Page): void {
  page.on('pageerror', (error) => { t.error(error) })
}
