import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { origin, publish, startService, TOKEN } from '../helper.js'
import { launch, openPage, watchErrors } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

t.test('the page at /', async (t) => {
  const newContext = await launch(t)

  const open = async (t: Test, url: string, options?: Parameters<typeof newContext>[0]): Promise<Page> => {
    const page = await openPage(t, newContext, url, options)
    await live(page)
    return page
  }
  const live = async (page: Page) => { await page.getByText('Live', { exact: true }).waitFor() }
  const items = (page: Page) => page.getByRole('log').getByRole('listitem')

  const push = async (page: Page, message: string, token = TOKEN) => {
    await page.getByLabel('Token', { exact: true }).fill(token)
    await page.getByLabel('Message', { exact: true }).fill(message)
    await page.getByRole('button', { name: 'Push to' }).click()
  }

  await t.test('has a token made for itself where subscribing needs one, once it is given the publisher\'s', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: 'a-secret-of-thirty-two-characters' })
    const context = await newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    watchErrors(t, page)
    await page.goto(`${origin(app)}/`)
    await page.getByText('Subscribing needs a token here. Enter the right').waitFor()
    await push(page, 'for those who may')
    await live(page)
    await items(page).first().getByText('for those who may').waitFor()
    t.equal(await page.getByRole('alert').filter({ hasText: 'Subscribing needs' }).isVisible(), false)
    t.match(await page.getByRole('region', { name: 'Script tag that subscribes' }).innerText(), 'token: () =>')
  })

  await t.test('shows what it pushes, with the id and the number of subscribers', async (t) => {
    const app = await startService(t)
    const page = await open(t, `${origin(app)}/`)
    await page.getByText('Nothing on lobby yet').waitFor()
    await push(page, 'Hello, world')
    await page.getByText('Delivered to 1 subscriber').waitFor()
    const text = await items(page).first().innerText()
    t.match(text, 'Hello, world')
    t.match(text, /\w+:1/)
    await push(page, '{"n":[1,2]}')
    await items(page).nth(1).waitFor()
    t.match(await items(page).first().innerText(), '{"n":[1,2]}', 'newest first')
  })

  await t.test('says clearly that the token is wrong, or missing', async (t) => {
    const app = await startService(t)
    const page = await open(t, `${origin(app)}/#room`)
    await push(page, 'x', 'wrong')
    await page.getByText('The token is wrong').waitFor()
    t.equal(await page.getByLabel('Token', { exact: true }).getAttribute('aria-invalid'), 'true')
    await push(page, 'x', '')
    await page.getByText('Enter the token').waitFor()
    await push(page, 'null')
    await page.getByText('There is no message').waitFor()
    await push(page, 'x'.repeat(70_000))
    await page.getByText('The service answered 413').waitFor()
    await push(page, 'right')
    await page.getByText('Delivered to 1 subscriber').waitFor()
    t.equal(await items(page).count(), 1, 'nothing else was delivered')
  })

  await t.test('switches to another channel, shows what is kept there and refuses bad names', async (t) => {
    const app = await startService(t)
    await publish(app, 'orders', 'kept')
    const page = await open(t, `${origin(app)}/`)
    const channel = page.getByLabel('Channel', { exact: true })
    await channel.fill('no channel!')
    await page.getByRole('button', { name: 'Switch' }).click()
    await page.getByText('A channel has 1 to 100').waitFor()
    await channel.fill('orders')
    await channel.press('Enter')
    await items(page).getByText('kept').waitFor()
    t.match(page.url(), /#orders$/)
    t.equal(await page.getByText('A channel has 1 to 100').isVisible(), false)
    t.match(await page.locator('#curl').innerText(), `${origin(app)}/send/orders`)
  })

  await t.test('shows messages in two tabs', async (t) => {
    const app = await startService(t)
    const first = await open(t, `${origin(app)}/#room`)
    const second = await first.context().newPage()
    await second.goto(`${origin(app)}/#room`)
    await live(second)
    await push(first, 'for both')
    await first.getByText('Delivered to 2 subscribers').waitFor()
    for (const tab of [first, second]) await items(tab).getByText('for both').waitFor()
  })

  await t.test('says what it is doing when the service goes away', async (t) => {
    const app = await startService(t)
    const page = await open(t, `${origin(app)}/`)
    await app.close()
    await page.getByText('Reconnecting', { exact: true }).waitFor()
    await push(page, 'x')
    await page.getByText('The service cannot be reached').waitFor()
  })

  await t.test('copies commands that work as they are, quotes included', async (t) => {
    const app = await startService(t)
    const page = await open(t, `${origin(app)}/#room`, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByLabel('Token', { exact: true }).fill(TOKEN)
    await page.getByLabel('Message', { exact: true }).fill(`it's {"json"}`)
    await page.getByRole('button', { name: 'Copy the curl command that pushes' }).click()
    await page.getByText('Copied').first().waitFor()
    const command = await page.evaluate(() => navigator.clipboard.readText())
    t.equal(command, `curl '${origin(app)}/send/room' \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"message":"it'\\''s {\\"json\\"}"}'`)
    t.notMatch(command, TOKEN)
    await page.getByRole('button', { name: 'Copy the script tag' }).click()
    t.match(await page.evaluate(() => navigator.clipboard.readText()), `data-server="${origin(app)}"`)
  })

  await t.test('works under a strict content security policy', async (t) => {
    const app = await startService(t)
    const context = await newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()) })
    const html = await (await fetch(`${origin(app)}/`)).text()
    const site = await Site.start(t, html, app, { 'content-security-policy': `default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'` })
    await page.goto(site.url)
    await live(page)
    await push(page, 'strict')
    await items(page).getByText('strict').waitFor()
    t.strictSame(problems, [])
  })

  await t.test('fits every width, also with long names and messages', async (t) => {
    const app = await startService(t)
    const name = 'x'.repeat(100)
    await publish(app, name, 'w'.repeat(500))
    for (const width of [320, 390, 768, 1280]) {
      const page = await open(t, `${origin(app)}/#${name}`, { viewport: { width, height: 800 } })
      await items(page).first().waitFor()
      t.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${width} px`)
    }
  })

  await t.test('can be used with the keyboard alone', async (t) => {
    const app = await startService(t)
    const page = await open(t, `${origin(app)}/`)
    await page.getByLabel('Token', { exact: true }).fill(TOKEN)
    await page.getByLabel('Message', { exact: true }).focus()
    await page.keyboard.type('!')
    await page.keyboard.press('Control+Enter')
    await items(page).getByText('Hello, world').waitFor()
  })
})
