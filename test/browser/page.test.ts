import type { Page, Request } from 'playwright-core'
import t from 'tap'
import { ask, origin, publish, publishHeaders, startHost, startService, TOKEN } from '../helper.js'
import { launch, watchErrors } from './chromium.js'
import { ConsolePage } from './console-page.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(240_000)

/** The paths that a page posts to. */
function posts (page: Page): string[] {
  const paths: string[] = []
  page.on('request', (request: Request) => { if (request.method() === 'POST') paths.push(new URL(request.url()).pathname) })
  return paths
}

t.test('the page at /', async (t) => {
  const newContext = await launch(t)

  await t.test('has a token made for itself where subscribing needs one, once it is given the operator\'s', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: 'a-secret-of-thirty-two-characters' })
    const context = await newContext()
    t.teardown(() => context.close())
    const page = ConsolePage.of(await context.newPage())
    watchErrors(t, page.page)
    await page.page.goto(`${origin(app)}/`)
    await page.says('Subscribing needs a token here. Enter the operator')
    await page.unlock()
    await page.live()
    await page.push('for those who may')
    await page.rows().first().getByText('for those who may').waitFor()
    t.equal(await page.page.getByRole('alert').filter({ hasText: 'Subscribing needs' }).isVisible(), false)
    await page.page.getByText('From your own code').click()
    t.match(await page.page.getByRole('region', { name: 'Script tag that subscribes' }).innerText(), 'token: () =>')
  })

  await t.test('shows what it pushes, with the id and the number of subscribers', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/`)
    await page.says('Nothing on lobby yet')
    await page.unlock()
    await page.push('Hello, world')
    await page.says('Delivered to 1 subscriber')
    t.match(await page.page.getByRole('status').filter({ hasText: 'Delivered' }).innerText(), /\w+:1/)
    t.match(await page.rows().first().innerText(), 'Hello, world')
    await page.push('{"n":[1,2]}')
    await page.rows().nth(1).waitFor()
    t.match(await page.rows().first().innerText(), '{"n":[1,2]}', 'newest first')
  })

  await t.test('says beside the field that the token is wrong or missing, before anything is posted', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    const token = page.page.getByLabel('Token', { exact: true })
    const posted = posts(page.page)
    await token.fill('')
    await page.push('x')
    await page.says('Enter the token')
    await token.fill('two words')
    await page.push('x')
    await page.says('a character that no token has')
    await token.fill('wrong')
    await page.push('x')
    await page.says('The token is wrong')
    t.equal(await token.getAttribute('aria-invalid'), 'true')
    t.equal(await page.page.evaluate(() => document.activeElement?.id), 'token')
    t.strictSame(posted, [])
    await token.fill(TOKEN)
    await page.push('right')
    await page.says('Delivered to 1 subscriber')
    t.strictSame(posted, ['/send/room'])
    await page.rows().first().waitFor()
    t.equal(await page.rows().count(), 1, 'nothing else was delivered')
  })

  await t.test('says what is no message, and what the service refuses', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    const posted = posts(page.page)
    await page.unlock()
    await page.push('null')
    await page.says('There is no message')
    await page.push('{bad')
    await page.says('This is not JSON, and nothing was pushed: line 1, column 2')
    t.equal(await page.page.getByLabel('Message', { exact: true }).getAttribute('aria-invalid'), 'true')
    t.strictSame(posted, [])
    await page.push('x'.repeat(70_000))
    await page.says('The service answered 413')
    await page.page.getByLabel('Send as').selectOption('text')
    await page.push('{bad')
    await page.rows().getByText('{bad').waitFor()
  })

  await t.test('keeps the token for the tab alone, and out of every address', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    const urls: string[] = []
    page.page.on('request', (request) => urls.push(request.url()))
    page.page.on('websocket', (socket) => urls.push(socket.url()))
    await page.unlock()
    await page.page.reload()
    await page.page.getByText('Operator', { exact: true }).waitFor()
    await page.push('after a reload')
    await page.rows().getByText('after a reload').waitFor()
    t.strictSame(urls.filter((url) => url.includes(TOKEN)), [])
    t.equal(await page.page.evaluate(() => localStorage.length), 0)
    t.equal(await page.page.evaluate(() => document.cookie), '')
    t.notMatch(await page.page.innerText('body'), TOKEN)
    const other = await page.page.context().newPage()
    await other.goto(`${origin(app)}/#room`)
    await other.getByRole('button', { name: 'Unlock' }).waitFor()
    await page.page.getByRole('button', { name: 'Forget' }).click()
    await page.page.reload()
    await page.page.getByRole('button', { name: 'Unlock' }).waitFor()
  })

  await t.test('watches what its address names, shows what is kept there and refuses bad names', async (t) => {
    const app = await startService(t)
    await publish(app, 'orders', 'kept')
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/`)
    const channels = page.page.getByLabel('Channels to watch')
    await channels.fill('no-channel!')
    await page.page.getByRole('button', { name: 'Watch', exact: true }).first().click()
    await page.says('This is none: no-channel!')
    await channels.fill('orders')
    await channels.press('Enter')
    await page.rows('orders').getByText('kept').waitFor()
    t.match(page.page.url(), /#lobby;orders$/)
    t.equal(await page.page.getByText('This is none').isVisible(), false)
    await page.tail('lobby').getByRole('button', { name: 'Stop watching lobby' }).click()
    t.match(page.page.url(), /#orders$/)
    t.match(await page.page.locator('#curl').textContent(), `${origin(app)}/send/orders`)
    await page.page.evaluate(() => { location.hash = '#a,b;orders' })
    await page.tail('a, b').waitFor()
    t.equal(await page.page.getByRole('region', { name: /^Tail of/ }).count(), 2)
  })

  await t.test('shows messages in two tabs', async (t) => {
    const app = await startService(t)
    const first = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    const second = ConsolePage.of(await first.page.context().newPage())
    await second.page.goto(`${origin(app)}/#room`)
    await second.live()
    await first.unlock()
    await first.push('for both')
    await first.says('Delivered to 2 subscribers')
    for (const tab of [first, second]) await tab.rows().getByText('for both').waitFor()
  })

  await t.test('says what it is doing when the service goes away', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/`)
    await page.unlock()
    await app.close()
    await page.page.getByText('Reconnecting', { exact: true }).first().waitFor()
    await page.push('x')
    await page.says('The service cannot be reached. Nothing is known')
    await page.page.getByText('Unreachable', { exact: true }).waitFor()
  })

  await t.test('copies commands that work as they are, quotes and digits included', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`, { permissions: ['clipboard-read', 'clipboard-write'] })
    const copied = async (): Promise<string> => await page.page.evaluate(() => navigator.clipboard.readText())
    await page.page.getByLabel('Message', { exact: true }).fill(`it's {"json"}`)
    await page.page.getByText('From your own code').click()
    await page.page.getByRole('button', { name: 'Copy the curl command that pushes' }).click()
    await page.says('Copied')
    const command = (body: string): string => `curl '${origin(app)}/send/room' \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`
    t.equal(await copied(), command(`{"message":"it'\\''s {\\"json\\"}"}`))
    await page.page.getByLabel('Message', { exact: true }).fill('{"n": 12345678901234567890}')
    t.equal(await page.page.locator('#curl').textContent(), command('{"message":{"n": 12345678901234567890}}'))
    await page.page.getByRole('button', { name: 'Copy the script tag' }).click()
    await page.page.waitForFunction(async () => (await navigator.clipboard.readText()).includes('data-server'))
    t.match(await copied(), `data-server="${origin(app)}"`)
  })

  await t.test('works under a prefix, and under a strict content security policy', async (t) => {
    const host = await startHost(t, { page: true, prefix: '/rt' })
    const under = await ConsolePage.open(t, newContext, `${origin(host)}/rt/#room`)
    await under.unlock()
    await under.push('under a prefix')
    await under.rows().getByText('under a prefix').waitFor()

    const app = await startService(t)
    const context = await newContext()
    t.teardown(() => context.close())
    const page = ConsolePage.of(await context.newPage())
    const problems: string[] = []
    page.page.on('console', (message) => { if (/Content.Security.Policy/i.test(message.text())) problems.push(message.text()) })
    const html = await (await fetch(`${origin(app)}/`)).text()
    t.notMatch(html, /<style|style=|<script>| on\w+=/)
    const site = await Site.start(t, html, app, { 'content-security-policy': `default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'` })
    await page.page.goto(site.url)
    await page.live()
    await page.unlock()
    await page.push('{"strict":[1,{"deep":true}]}')
    await page.rows().getByText('strict').click()
    await page.says('deep')
    t.strictSame(problems, [])
  })

  await t.test('fits every width, also with long names and messages, in every part', async (t) => {
    const app = await startService(t)
    const name = 'x'.repeat(100)
    await publish(app, name, 'w'.repeat(500))
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#${name}`)
    await page.unlock()
    await page.rows().first().getByRole('button').click()
    for (const width of [320, 390, 768, 1_280, 1_600]) {
      await page.page.setViewportSize({ width, height: 800 })
      const tabs = page.page.getByRole('tab')
      for (let index = 0; index < (width < 896 ? 4 : 1); index++) {
        if (width < 896) await tabs.nth(index).click()
        t.equal(await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${width} px, part ${index}`)
      }
    }
  })

  await t.test('can be used with the keyboard alone', async (t) => {
    const app = await startService(t)
    for (const number of [1, 2, 3]) await publish(app, 'lobby', { number })
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/`)
    const { keyboard } = page.page
    await page.page.getByLabel('Token', { exact: true }).fill(TOKEN)
    await page.page.getByLabel('Message', { exact: true }).focus()
    await keyboard.type('!')
    await keyboard.press('Control+Enter')
    await page.rows().getByText('Hello, world').waitFor()
    await page.tail('lobby').getByRole('button', { name: 'Stop watching lobby' }).focus()
    await keyboard.press('Tab')
    await keyboard.press('ArrowDown')
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await page.tail('lobby').getByText('number', { exact: true }).waitFor()
    await publish(app, 'lobby', 'meanwhile')
    await page.says('1 new message: show')
    t.equal(await page.rows().getByText('meanwhile').count(), 0, 'nothing moves while somebody reads')
    await keyboard.press('Escape')
    await page.rows().first().getByText('meanwhile').waitFor()
  })

  await t.test('shows and pushes integers beyond 2^53 as they are written', async (t) => {
    const app = await startService(t)
    const exact = '{"b": 12345678901234567890, "a": [9007199254740993, 1.0, -0, 1e400]}'
    await ask(app, '/send/room', { method: 'POST', headers: publishHeaders(), body: `{"message":${exact}}` })
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`, { permissions: ['clipboard-read', 'clipboard-write'] })
    t.match(await page.rows().first().innerText(), exact)
    await page.unlock()
    await page.push(exact)
    await page.rows().nth(1).waitFor()
    const kept = await ask(app, '/room?since=earliest', { headers: { accept: 'application/json' } })
    t.equal(kept.text.split(exact).length, 3, 'sent as they are written')
    await page.rows().first().getByRole('button').click()
    for (const number of ['12345678901234567890', '9007199254740993', '1.0', '-0', '1e400']) await page.tail('room').locator('.value').getByText(number, { exact: true }).waitFor()
    await page.page.getByRole('button', { name: 'Copy message' }).click()
    await page.says('Copied')
    t.equal(await page.page.evaluate(() => navigator.clipboard.readText()), exact)
  })
})
