import type { Locator, Page } from 'playwright-core'
import t from 'tap'
import { eventually } from '../eventually.js'
import { hasCount, launch } from '../browser/chromium.js'
import { Example, isWhole, openStrictly, openTab } from './example.js'

// A browser is slow on a busy machine.
t.setTimeout(300_000)

async function texts (locator: Locator): Promise<string[]> {
  return (await locator.allInnerTexts()).map((text) => text.trim())
}

/** Waits until the elements have these texts, in this order. */
async function hasTexts (locator: Locator, expected: string[]): Promise<void> {
  let found: string[] = []
  await eventually(async () => {
    found = await texts(locator)
    return JSON.stringify(found) === JSON.stringify(expected)
  }, { within: 30_000, message: () => `${JSON.stringify(found)} instead of ${JSON.stringify(expected)}` })
}

const live = async (page: Page): Promise<void> => { await page.getByText('Live', { exact: true }).waitFor() }

async function post (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

t.test('the examples', async (t) => {
  const newContext = await launch(t)

  await t.test('chat: a message typed in one page appears in the other, and the members are those of the open pages', async (t) => {
    const { url } = await Example.start(t, 'chat')
    const join = async (name: string): Promise<Page> => {
      const page = await openStrictly(t, newContext, url)
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Join' }).click()
      await live(page)
      return page
    }
    const members = (page: Page): Locator => page.getByRole('list', { name: 'Members' }).getByRole('listitem')
    const say = async (page: Page, text: string): Promise<void> => {
      await page.getByLabel('Message', { exact: true }).fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
    }
    const [anna, ben] = [await join('Anna'), await join('Ben')]
    for (const page of [anna, ben]) await hasTexts(members(page), ['A\nAnna', 'B\nBen'])
    await say(ben, 'Who waters <b>today</b>?')
    await say(anna, 'I do')
    for (const page of [anna, ben]) await hasTexts(page.getByRole('log').locator('.text'), ['Who waters <b>today</b>?', 'I do'])
    await anna.reload()
    await hasTexts(anna.getByRole('log').locator('.text'), ['Who waters <b>today</b>?', 'I do'])
    await ben.getByRole('button', { name: 'kitchen' }).click()
    await anna.getByRole('button', { name: 'kitchen, 1 member' }).waitFor()
    // Ten seconds after he has left.
    await hasTexts(members(anna), ['A\nAnna'])
    await say(ben, 'Only here')
    await hasTexts(ben.getByRole('log').locator('.text'), ['Only here'])
    await hasTexts(anna.getByRole('log').locator('.text'), ['Who waters <b>today</b>?', 'I do'])

    const { token } = await (await post(`${url}/session`, { name: 'Eve' })).json() as { token: string }
    const forbidden = await post(`${url}/rt/send/elsewhere`, { message: 1 }, { authorization: `Bearer ${token}` })
    t.equal(forbidden.status, 403, 'the claim covers rooms alone')
  })

  await t.test('game: moves are in order, and a player that comes back sees the whole match', async (t) => {
    const { url } = await Example.start(t, 'game')
    const red = await openStrictly(t, newContext, url)
    await red.getByRole('button', { name: 'New match' }).click()
    await red.getByText('Waiting for yellow').waitFor()
    const yellow = await openStrictly(t, newContext, red.url())
    await yellow.getByRole('button', { name: 'Join as yellow' }).click()
    const expected: string[] = []
    const moves = (page: Page): Locator => page.getByRole('log').getByRole('listitem')
    for (const [turn, column] of [1, 2, 1, 2, 1, 3].entries()) {
      const [page, name] = turn % 2 === 0 ? [red, 'Red'] as const : [yellow, 'Yellow'] as const
      await page.getByRole('button', { name: `Column ${column},` }).click()
      expected.push(`${name}, column ${column}`)
      for (const each of [red, yellow]) await hasTexts(moves(each), expected)
    }
    t.equal(await yellow.getByRole('button', { name: 'Column 1,' }).isDisabled(), true, 'it is red\'s turn')
    await red.reload()
    await hasTexts(moves(red), expected)
    await red.getByText('Move 6 of 6').waitFor()
    await hasCount(red.locator('.disc.red, .disc.yellow'), 6)
    await red.getByLabel('Move 6 of 6').fill('2')
    await hasCount(red.locator('.disc.red, .disc.yellow'), 2)
    await red.getByLabel('Move 2 of 6').fill('6')
    await red.getByRole('button', { name: 'Column 1, 3 of 6 discs' }).click()
    for (const page of [red, yellow]) await page.getByText('Red has won').waitFor()
    await hasCount(yellow.locator('.four'), 4)
    const watcher = await openStrictly(t, newContext, red.url())
    await hasTexts(moves(watcher), [...expected, 'Red, column 1'])
    await watcher.getByText('You are watching').waitFor()
  })

  if (!isWhole) return

  await t.test('fit on a screen 390 pixels wide, in dark colours, too', async (t) => {
    for (const name of ['chat', 'notifications', 'dashboard', 'document', 'iot', 'game']) {
      const { url } = await Example.start(t, name)
      for (const path of name === 'notifications' ? ['/login/Anna', '/job.html'] : ['/']) {
        const page = await openStrictly(t, newContext, url + path, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' })
        await page.getByRole('heading', { level: 1 }).waitFor()
        t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, `${name}${path}`)
        t.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(14, 16, 23)', `${name}${path}`)
      }
    }
  })

  await t.test('notifications: tabs share a connection, and without a receipt the job sends an e-mail', async (t) => {
    const { url } = await Example.start(t, 'notifications')
    const context = await newContext()
    t.teardown(() => context.close())
    const tabs = [await openTab(t, context, `${url}/login/Anna`), await openTab(t, context, url)]
    for (const tab of tabs) await live(tab)
    const job = await openStrictly(t, newContext, `${url}/job.html`)
    const results = job.getByRole('log').getByRole('listitem')
    await job.getByRole('button', { name: 'Run' }).click()
    for (const tab of tabs) await tab.getByRole('list', { name: 'Inbox' }).getByText('Your parcel is on its way').waitFor()
    await results.filter({ hasText: /Received.*Anna: Your parcel.*on 1 connection/s }).waitFor()
    await tabs[0]?.getByRole('button', { name: 'Mark all as read' }).click()
    await tabs[1]?.waitForFunction(() => document.title === 'Notifications')

    for (const tab of tabs) await tab.close()
    await eventually(async () => {
      await job.getByLabel('Notification').selectOption('Answer of support')
      await job.getByRole('button', { name: 'Run' }).click()
      await job.getByRole('button', { name: 'Run' }).waitFor()
      return await results.filter({ hasText: /E-mailed.*Anna: Support has answered.*anna@example\.com/s }).count() > 0
    }, { within: 30_000, message: 'no fallback to an e-mail' })
    const back = await openTab(t, context, url)
    await back.getByRole('list', { name: 'Inbox' }).getByText('Support has answered').first().waitFor()

    const ben = await openStrictly(t, newContext, `${url}/login/Ben`)
    await live(ben)
    t.equal(await ben.getByText('Your parcel').count(), 0, 'each has notifications of their own')
    t.equal(await ben.evaluate(async () => (await fetch('/rt/user:Anna')).status), 403)
  })

  await t.test('dashboard: 28 channels are on one connection, the last minute is there at once, and a pause stops the drawing', async (t) => {
    const { url } = await Example.start(t, 'dashboard')
    const context = await newContext()
    t.teardown(() => context.close())
    const sockets: string[] = []
    context.on('page', (page) => { page.on('websocket', (socket) => { sockets.push(socket.url()) }) })
    const pages = [await openTab(t, context, url), await openTab(t, context, url)]
    for (const page of pages) {
      await live(page)
      await page.getByText('28 channels').waitFor()
      const line = page.getByRole('listitem').filter({ hasText: 'BTC-EUR' }).locator('.line')
      await eventually(async () => ((await line.getAttribute('d')) ?? '').split('L').length === 60, { message: 'no line of 60 points' })
      const before = await line.getAttribute('d')
      await eventually(async () => await line.getAttribute('d') !== before, { message: 'no new price' })
    }
    t.equal(sockets.length, 2, 'one for each page')
    const [first, second] = pages as [Page, Page]
    await first.getByRole('button', { name: 'Pause' }).click()
    const prices = async (page: Page): Promise<string[]> => await texts(page.getByRole('listitem').locator('b'))
    const [still, moving] = [await prices(first), await prices(second)]
    await eventually(async () => JSON.stringify(await prices(second)) !== JSON.stringify(moving), { message: 'the other page stands still' })
    t.strictSame(await prices(first), still)
  })

  await t.test('document: edits of both appear in both, and behind a gap the page fetches the document anew', async (t) => {
    const { url } = await Example.start(t, 'document')
    const [anna, ben] = [await openStrictly(t, newContext, url), await openStrictly(t, newContext, url)]
    const fetched: string[] = []
    anna.on('request', (request) => { if (request.url().endsWith('/document') && request.resourceType() === 'fetch') fetched.push(request.url()) })
    const paragraph = (page: Page, number: number): Locator => page.getByLabel(`Paragraph ${number}`, { exact: true })
    const has = async (page: Page, number: number, text: string): Promise<void> => {
      await eventually(async () => await paragraph(page, number).inputValue() === text, { message: `paragraph ${number} is not ${text}` })
    }
    for (const [page, name] of [[anna, 'Anna'], [ben, 'Ben']] as const) {
      await live(page)
      await page.getByLabel('Your name').fill(name)
    }
    await paragraph(anna, 1).fill('by Anna')
    await paragraph(ben, 2).fill('by Ben')
    for (const page of [anna, ben]) {
      await has(page, 1, 'by Anna')
      await has(page, 2, 'by Ben')
      await page.getByText('Last edit: Ben').waitFor()
    }

    const edits = async (count: number): Promise<void> => {
      for (let number = 1; number <= count; number++) await post(`${url}/edits`, { index: number % 2, text: `${count}: edit ${number}`, by: 'Ben', edit: 'x' })
    }
    await anna.getByRole('button', { name: 'Go offline' }).click()
    await edits(3)
    await has(ben, 2, '3: edit 3')
    await anna.getByRole('button', { name: 'Come back' }).click()
    await has(anna, 2, '3: edit 3')
    t.strictSame(fetched, [], 'what the channel keeps comes by itself')

    await anna.getByRole('button', { name: 'Go offline' }).click()
    await edits(9)
    await anna.getByRole('button', { name: 'Come back' }).click()
    await anna.getByText('The document was fetched anew').waitFor()
    await has(anna, 1, '9: edit 8')
    await has(anna, 2, '9: edit 9')
    t.equal(fetched.length, 1)
    await paragraph(ben, 3).fill('and on')
    await has(anna, 3, 'and on')
  })

  await t.test('iot: devices publish with keys of their own, until these are revoked', async (t) => {
    const { url } = await Example.start(t, 'iot')
    const pages = [await openStrictly(t, newContext, url), await openStrictly(t, newContext, url)] as [Page, Page]
    const device = (page: Page, name: string): Locator => page.getByRole('list', { name: 'Devices' }).getByRole('listitem').filter({ hasText: name })
    for (const page of pages) {
      await live(page)
      await device(page, 'Cold store').getByText('Good').waitFor()
      await eventually(async () => await device(page, 'Cold store').locator('path').getAttribute('d') !== null, { message: 'no chart' })
    }
    const [first, second] = pages
    await first.getByLabel('Name of the device').fill('Attic')
    await first.getByRole('button', { name: 'Make a key' }).click()
    const command = await first.getByRole('region', { name: 'Command' }).innerText()
    const key = /Bearer (\S+)'/.exec(command)?.[1] ?? command
    const publish = async (channel: string): Promise<number> => {
      return (await post(`${url}/rt/send/${channel}`, { message: { temperature: 31.5, humidity: 40, battery: 90 } }, { authorization: `Bearer ${key}` })).status
    }
    t.equal(await publish('sensor:attic'), 200)
    await device(second, 'Attic').getByText('31.5').waitFor()
    await device(second, 'Attic').getByText('Out of range').waitFor()
    t.equal(await publish('sensor:cold-store'), 403, 'the key is for one device')
    for (const name of ['Attic', 'Roof']) await first.getByRole('button', { name: `Revoke the key of ${name}` }).click()
    for (const page of pages) for (const name of ['Attic', 'Roof']) await device(page, name).getByText('Revoked', { exact: true }).waitFor()
    t.equal(await publish('sensor:attic'), 403)
    await device(second, 'Cellar').getByText('Good').waitFor()
  })
})
