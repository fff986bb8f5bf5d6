import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { eventually } from '../eventually.js'
import type { launch } from '../browser/chromium.js'

/** Whether all examples are tested, as by `npm run examples`; the short form of `npm test` leaves most of them out. */
export const isWhole = process.env['EXAMPLES'] === 'all'

/** An example as `npm run example <name>` runs it. */
export class Example {
  output = ''

  private constructor (child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { this.output += String(chunk) })
  }

  /** Starts an example on a free port and waits for its address; the end of the test ends it, and what it has started. */
  static async start (t: Test, name: string, env: NodeJS.ProcessEnv = {}, within = 60_000): Promise<Example> {
    const child = spawn(process.execPath, ['examples/run.mjs', name], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe']
    })
    const example = new Example(child)
    t.teardown(async () => {
      const exited = once(child, 'exit')
      if (child.exitCode === null && child.kill()) await exited
    })
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`${name} has ended: ${example.output}`)
      return example.#url !== undefined
    }, { within, message: () => `no address of ${name}: ${example.output}` })
    return example
  }

  /** Where the example is, without a slash at the end. */
  get url (): string {
    return String(this.#url)
  }

  get #url (): string | undefined {
    return /http:\/\/127\.0\.0\.1:\d+/.exec(this.output)?.[0]
  }
}

/** Opens a page in a context of its own. Errors of its scripts, and what its policy forbids, fail the test. */
export async function openStrictly (
  t: Test, newContext: Awaited<ReturnType<typeof launch>>, url: string, options?: Parameters<typeof newContext>[0]
): Promise<Page> {
  const context = await newContext(options)
  t.teardown(() => context.close())
  return await openTab(t, context, url)
}

/** Opens another tab of a context. */
export async function openTab (t: Test, context: Awaited<ReturnType<Awaited<ReturnType<typeof launch>>>>, url: string): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => { t.error(error) })
  page.on('console', (message) => { if (/Content Security Policy|CLOSING or CLOSED/.test(message.text())) t.fail(message.text()) })
  page.on('request', (request) => { if (new URL(request.url()).origin !== new URL(url).origin) t.fail(`an external request: ${request.url()}`) })
  await page.goto(url)
  return page
}
