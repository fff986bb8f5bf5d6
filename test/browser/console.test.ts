import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { origin, publish, startService, TOKEN } from '../helper.js'
import { hasCount, launch, openPage } from './chromium.js'
import { ConsolePage } from './console-page.js'
import { type Answers, metricsText, standIn } from './operations.mjs'

// A browser is slow on a busy machine.
t.setTimeout(240_000)

t.test('the console', async (t) => {
  const newContext = await launch(t)

  /** Opens the console with a token, and with answers of the operators' endpoints. */
  const operate = async (t: Test, url: string, answers: Answers): Promise<ConsolePage> => {
    const context = await newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    page.on('pageerror', (error) => { t.error(error) })
    await standIn(page, TOKEN, answers)
    await page.goto(url)
    const opened = ConsolePage.of(page)
    await opened.live()
    await opened.unlock()
    return opened
  }

  await t.test('watches any number of channels over one WebSocket, and says which it is', async (t) => {
    const app = await startService(t)
    const context = await newContext()
    t.teardown(() => context.close())
    const page = ConsolePage.of(await context.newPage())
    const sockets: string[] = []
    page.page.on('websocket', (socket) => sockets.push(socket.url()))
    await page.page.goto(`${origin(app)}/#a,b;c`)
    await page.live()
    await page.page.getByText('1 WebSocket · 3 channels').waitFor()
    const field = page.page.getByLabel('Channels to watch')
    await field.fill('d, e')
    await field.press('Enter')
    await page.page.getByText('1 WebSocket · 5 channels').waitFor()
    await page.tail('d, e').getByText('WebSocket 1').waitFor()
    for (const channel of ['a', 'b', 'c', 'd', 'e']) await publish(app, channel, `for ${channel}`)
    for (const [tail, channel] of [['a, b', 'a'], ['a, b', 'b'], ['c', 'c'], ['d, e', 'd'], ['d, e', 'e']] as const) await page.rows(tail).getByText(`for ${channel}`).waitFor()
    t.equal(sockets.length, 1)
    await page.page.getByText('1 WebSocket · 5 channels').click()
    await page.says(/^open since .* 5 channels/)
    await page.page.keyboard.press('Escape')
    await page.page.getByRole('button', { name: 'Stop watching d, e' }).click()
    await page.page.getByText('1 WebSocket · 3 channels').waitFor()
    t.equal(app.channels.subscriberCount('d'), 0)
  })

  await t.test('joins its channels in one connection again once a token is there, and repeats nothing', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: 'a-secret-of-thirty-two-characters', PUBLIC_CHANNELS: 'room' })
    await publish(app, 'room', 'once')
    await publish(app, 'private', 'secret')
    const page = ConsolePage.of(await openPage(t, newContext, `${origin(app)}/#room;private`))
    await page.rows('room').getByText('once').waitFor()
    await page.says('Subscribing needs a token here')
    await page.unlock()
    await page.rows('private').getByText('secret').waitFor()
    await page.page.getByText('1 WebSocket · 2 channels').waitFor()
    await publish(app, 'room', 'twice')
    await page.rows('room').getByText('twice').waitFor()
    t.strictSame(await page.tail('room').locator('.text').allInnerTexts(), ['twice', 'once'])
  })

  await t.test('stands still when paused, scrolled or read, counts what comes, and filters', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    await publish(app, 'room', 'first')
    await page.rows().getByText('first').waitFor()
    await page.page.getByRole('button', { name: 'Pause room' }).click()
    await page.page.getByRole('button', { name: 'Paused' }).waitFor()
    await publish(app, 'room', 'second')
    await page.page.getByRole('button', { name: '1 new message: show' }).waitFor()
    t.equal(await page.rows().count(), 1)
    await page.page.getByRole('button', { name: '1 new message: show' }).click()
    await page.rows().first().getByText('second').waitFor()
    t.equal(await page.page.getByRole('button', { name: 'Pause room' }).getAttribute('aria-pressed'), 'false')
    await page.page.getByLabel('Filter room').fill('-second')
    await page.rows().getByText('first').waitFor()
    await hasCount(page.rows(), 1)
    await publish(app, 'room', 'third')
    await page.rows().first().getByText('third').waitFor()
    await page.page.getByLabel('Filter room').fill('nothing like it')
    await page.says('Nothing matches')
    await page.page.getByLabel('Filter room').fill('')
    await hasCount(page.rows(), 3)
    await page.rows().last().getByRole('button').click()
    await publish(app, 'room', 'fourth')
    await page.page.getByRole('button', { name: '1 new message: show' }).waitFor()
    await page.rows().last().getByRole('button', { expanded: true }).click()
    await page.rows().first().getByText('fourth').waitFor()
  })

  await t.test('has as many rows as are visible, however many messages and channels there are', async (t) => {
    const app = await startService(t, { HISTORY_SIZE: '1000' })
    const all = Array.from({ length: 5_000 }, (_, index) => ({ channel: `channel:${String(index).padStart(4, '0')}`, subscribers: index }))
    const page = await operate(t, `${origin(app)}/#room`, { channels: () => all })
    await Promise.all(Array.from({ length: 1_000 }, (_, number) => app.channels.publish('room', { number, text: 'x'.repeat(number % 50) })))
    await page.rows().first().getByText('"number":999,').waitFor()
    await page.says('First 1,000 channels')
    const counts = async (): Promise<[number, number, number]> => await page.page.evaluate(() => [document.querySelectorAll('.row').length, document.querySelectorAll('.channel').length, document.querySelectorAll('*').length])
    const bounded = async (what: string): Promise<void> => {
      const [rows, channels, elements] = await counts()
      t.ok(rows > 5 && rows < 80 && channels > 5 && channels < 60 && elements < 1_200, `${what}: ${rows} rows, ${channels} channels, ${elements} elements`)
    }
    await bounded('at the top')
    await page.page.locator('.rows').evaluate((viewport) => { viewport.scrollTop = 15_000 })
    await page.rows().getByText('"number":499,').waitFor()
    t.match(await page.rows().filter({ hasText: '"number":499,' }).evaluate((row) => `${row.ariaPosInSet} of ${row.ariaSetSize}`), '501 of 1000')
    await page.page.locator('#channel-rows').evaluate((viewport) => { viewport.scrollTop = viewport.scrollHeight })
    await page.page.getByRole('button', { name: 'Watch channel:0999' }).waitFor()
    await bounded('in the middle')
    await page.page.getByLabel('Search channels').fill('channel:432')
    await page.says('10 channels')
    await page.page.getByRole('button', { name: 'Watch channel:4321' }).click()
    await page.tail('channel:4321').waitFor()
  })

  await t.test('asks the service for names that begin so, where it does not list all, and follows the counts', async (t) => {
    const app = await startService(t)
    let subscribers = 1
    const asked: string[] = []
    const page = await openPage(t, newContext, 'about:blank')
    await page.route(/\/-\/channels\?/, async (route) => {
      const prefix = new URL(route.request().url()).searchParams.get('prefix') ?? ''
      asked.push(prefix)
      await route.fulfill({ json: { channels: [{ channel: `${prefix}zebra`, subscribers: subscribers++ }], more: prefix === '' } })
    })
    await page.goto(`${origin(app)}/`)
    const opened = ConsolePage.of(page)
    await opened.unlock()
    await opened.says('First 1 channel')
    await page.getByRole('button', { name: /^zebra, [2-9] subscribers/ }).waitFor()
    await page.getByLabel('Search channels').fill('night')
    await page.getByRole('button', { name: /^nightzebra, \d+ subscribers/ }).waitFor()
    t.ok(asked.includes('night'))
  })

  await t.test('shows the members of a channel, and publishes to it', async (t) => {
    const app = await startService(t)
    const members = Array.from({ length: 300 }, (_, index) => ({ sub: `user-${index}`, connections: index === 0 ? 2 : 1 }))
    const page = await operate(t, `${origin(app)}/`, {
      channels: () => [{ channel: 'gone', subscribers: 1 }, { channel: 'crowd', subscribers: 2_000 }, { channel: 'chat:7', subscribers: 301 }],
      details: (channel) => channel === 'crowd' ? { channel, subscribers: 2_000, count: 1_500, id: 'k3f9a2:1' } : channel === 'chat:7' ? { channel, subscribers: 301, members, id: 'k3f9a2:42' } : undefined
    })
    await page.page.getByRole('button', { name: 'chat:7, 301 subscribers' }).click()
    t.strictSame(await page.page.locator('.channel .text').allInnerTexts(), ['chat:7', 'crowd', 'gone'])
    await page.says('300 members')
    await page.page.getByLabel('Search channels').fill('HAT')
    await page.page.getByRole('button', { name: 'gone, 1 subscriber' }).waitFor({ state: 'hidden' })
    await page.page.getByLabel('Search channels').fill('')
    await page.says('k3f9a2:42')
    await page.page.getByText('user-0', { exact: true }).waitFor()
    t.equal(await page.page.locator('#members li').count(), 200, 'no more than can be read')
    await page.page.getByRole('button', { name: 'Push here' }).click()
    await page.page.getByRole('button', { name: 'Push to chat:7' }).waitFor()
    await page.page.getByRole('button', { name: 'crowd, 2,000 subscribers' }).click()
    await page.says('1,500 members')
    await page.says('They are too many to be listed.')
    await page.page.getByRole('button', { name: 'gone, 1 subscriber' }).click()
    await page.says('This version of the service does not tell more about a channel.')
  })

  await t.test('draws the metrics, and tells limits that were hit', async (t) => {
    const app = await startService(t)
    let turn = 0
    const page = await operate(t, `${origin(app)}/`, {
      metrics: () => {
        turn++
        return metricsText({
          connections: { 'transport="websocket"': 30, 'transport="sse"': 4 },
          channels: 12,
          published_total: 1_000 * turn,
          delivered_total: 5_000_000 * turn,
          publish_seconds_bucket: { 'le="0.001"': 900 * turn, 'le="0.01"': 1_000 * turn, 'le="+Inf"': 1_000 * turn },
          limit_hits_total: { 'limit="maxConnectionsPerAddress"': 7, 'limit="other"': 0 },
          gaps_total: { 'reason="expired"': 2 }
        })
      }
    })
    const tile = (name: string) => page.page.getByRole('region', { name, exact: true })
    await tile('Connections').getByText('34', { exact: true }).waitFor()
    await tile('Channels').getByText('12', { exact: true }).waitFor()
    await tile('Published').getByText(/^\d.*\/s$/).first().waitFor()
    await tile('Publish latency').getByText('ms').first().waitFor()
    t.match(await tile('Connections').getByRole('img').getAttribute('aria-label'), 'Connections over the last 5 minutes: now 34, between 34 and 34')
    t.ok(await tile('Connections').locator('path.line').getAttribute('d'))
    t.equal(await tile('Delivery latency').isVisible(), true)
    await page.says('maxConnectionsPerAddress')
    await page.says('expired')
    t.equal(await page.page.getByText('other', { exact: true }).count(), 0)
    await page.page.getByRole('button', { name: 'Forget' }).click()
    await page.page.getByText('Limits that were hit').waitFor({ state: 'hidden' })
  })

  await t.test('does without what the service does not have', async (t) => {
    const app = await startService(t)
    const nothing = { status: 404, json: { statusCode: 404, code: 'MSG_ERR_NOT_FOUND', error: 'Not Found', message: 'x' } }
    const page = await openPage(t, newContext, 'about:blank')
    for (const path of [/\/-\/channels/, /\/-\/metrics/]) await page.route(path, async (route) => { await route.fulfill(nothing) })
    await page.goto(`${origin(app)}/#room`)
    const opened = ConsolePage.of(page)
    await opened.live()
    await page.getByRole('button', { name: 'Stop watching room' }).first().waitFor()
    t.equal(await page.getByText('does not list').isVisible(), false, 'nobody has asked')
    await opened.unlock()
    await opened.says('This version of the service does not list its channels.')
    await page.getByRole('region', { name: 'Connections', exact: true }).waitFor()
    await opened.says('None since the start.')
    await opened.push('works')
    await opened.rows().getByText('works').waitFor()
  })

  await t.test('takes a token that is good for less, and shows less', async (t) => {
    const app = await startService(t, { TOKEN_SECRET: 'a-secret-of-thirty-two-characters', PUBLIC_CHANNELS: '*' })
    const made = await fetch(`${origin(app)}/-/tokens`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify({ send: ['room'] }) })
    const { token } = await made.json() as { token: string }
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    await page.page.getByLabel('Token', { exact: true }).fill(token)
    await page.push('from a publisher')
    await page.rows().getByText('from a publisher').waitFor()
    await page.page.getByText('Publisher', { exact: true }).waitFor()
    await page.page.getByLabel('Channel', { exact: true }).fill('other')
    await page.push('not allowed')
    await page.says('The service answered 403')
    t.equal(await page.page.getByText('Publisher', { exact: true }).isVisible(), true, 'the token is still good')
  })

  await t.test('shows receipts, or that there are none', async (t) => {
    const app = await startService(t)
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`)
    await page.unlock()
    const asked: Array<string | undefined> = []
    await page.page.route(/\/send\/room$/, async (route) => {
      const prefer = route.request().headers()['prefer']
      asked.push(prefer)
      const receipt = asked.length === 1 ? {} : { received: 180, silent: 20, unable: 10, latencyMs: { p50: 4, max: 31 } }
      await route.fulfill({ json: { status: 'Message sent', id: 'e:1', subscribers: 210, ...receipt } })
    })
    await page.page.getByRole('checkbox', { name: 'Receipts' }).check()
    await page.push('x')
    await page.says('No receipts')
    await page.page.getByLabel('Time to wait').selectOption('2')
    await page.push('x')
    await page.says('180 received')
    for (const text of ['20 silent', '10 unable', 'half within 4 ms, the last after 31 ms']) await page.says(text)
    t.strictSame(asked, ['wait=5', 'wait=2'])
  })

  await t.test('tells the health of the engine, with the reason', async (t) => {
    const app = await startService(t)
    const page = await openPage(t, newContext, 'about:blank')
    await page.route(/\/-\/ready$/, async (route) => { await route.fulfill({ status: 503, json: { status: 'not ready', reason: 'redis: WRONGPASS' } }) })
    await page.goto(`${origin(app)}/`)
    await page.getByText('Not ready: redis: WRONGPASS').waitFor()
    await page.unroute(/\/-\/ready$/)
    await page.getByText('Ready', { exact: true }).waitFor()
  })

  await t.test('shows the time that a message has, and that of its arrival where it has none', async (t) => {
    const app = await startService(t)
    const time = new Date(2026, 10, 27, 4, 5, 6, 7).getTime()
    const withTime = async (page: Page, put: string): Promise<void> => {
      await page.routeWebSocket(/./, (socket) => {
        const server = socket.connectToServer()
        server.onMessage((text) => { socket.send(String(text).replace(/"time":\d+,/, '').replace('"id":', `${put}"id":`)) })
      })
    }
    await publish(app, 'room', 'kept')
    const timed = await openPage(t, newContext, 'about:blank')
    await withTime(timed, `"time":${time},"from":"job:7",`)
    await timed.goto(`${origin(app)}/#room`)
    await ConsolePage.of(timed).rows().getByText('04:05:06.007').waitFor()
    await ConsolePage.of(timed).rows().getByRole('button').click()
    await timed.getByText('job:7').waitFor()
    const untimed = await openPage(t, newContext, 'about:blank')
    await withTime(untimed, '')
    await untimed.goto(`${origin(app)}/#room`)
    await untimed.locator('time.arrival').waitFor()
    t.match(await untimed.locator('time.arrival').getAttribute('title'), 'when it arrived')
  })

  await t.test('opens a message into a tree of which every part can be copied', async (t) => {
    const app = await startService(t)
    await publish(app, 'room', { text: 'a\n"b"', long: 'y'.repeat(5_000), list: Array.from({ length: 250 }, (_, index) => index), empty: {}, deep: { deeper: { deepest: 1 } } })
    const page = await ConsolePage.open(t, newContext, `${origin(app)}/#room`, { permissions: ['clipboard-read', 'clipboard-write'] })
    const copied = async (name: string, text: string): Promise<void> => {
      await page.page.getByRole('button', { name, exact: true }).first().click()
      await page.page.waitForFunction(async (text) => await navigator.clipboard.readText() === text, text)
    }
    await page.rows().first().getByRole('button').click()
    await page.page.getByText('deepest').waitFor()
    await copied('Copy text', 'a\n"b"')
    await copied('Copy deeper', '{"deepest":1}')
    await page.page.getByText('[ 250 items ]').click()
    await page.page.getByRole('button', { name: 'Show more' }).click()
    await page.page.getByRole('button', { name: 'Show more' }).click()
    await copied('Copy item 249', '249')
    t.equal(await page.page.getByRole('button', { name: 'Show more' }).count(), 0)
    await page.page.getByRole('button', { name: 'Show all 5,000 characters' }).click()
    t.match(await page.page.locator('.leaf').filter({ hasText: 'long' }).innerText(), 'y'.repeat(5_000))
    await page.rows().first().getByRole('button', { expanded: true }).click()
    await page.page.getByText('deepest').waitFor({ state: 'hidden' })
  })
})
