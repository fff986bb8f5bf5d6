import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { origin, publish, startService } from '../helper.js'
import { bearer, SECRET, shortToken } from '../tokens.js'
import { launch, watchErrors } from './chromium.js'
import { Site } from './site.js'

/** How long messages come; `BROWSER_SECONDS=60 npm test -- test/browser/tokens.test.ts` is the long form. */
const SECONDS = Number(process.env['BROWSER_SECONDS'] ?? 8)
const TOKEN_MS = 2_000
const MESSAGES_PER_SECOND = 50

t.setTimeout((SECONDS + 120) * 1_000)

type Told = [kind: string, content: unknown]
type TellingWindow = Window & { told: Told[], mint: () => Promise<string> }

/** A page that subscribes to a private channel; `mint` stands for its backend. */
function html (server: string, transport: string): string {
  return `<!doctype html>
<script src="${server}/client.js"></script>
<script>
  const told = []
  connectToChannel('private', (message) => told.push(['message', message]), {
    server: '${server}',
    transport: '${transport}',
    token: () => mint(),
    onGap: ({ reason }) => told.push(['gap', reason]),
    onClose: ({ code, reason }) => told.push(['close', code + ' ' + reason]),
    onError: (error) => told.push(['error', String(error)]),
    onOpen: () => told.push(['open', null])
  })
  Object.assign(window, { told })
</script>`
}

t.test('a private channel in Chromium', async (t) => {
  const newContext = await launch(t)

  await t.test(`loses and repeats nothing for ${SECONDS} s with a token that expires every 2 seconds, on both transports`, async (t) => {
    const app = await startService(t, { TOKEN_SECRET: SECRET })
    const minted = { websocket: 0, http: 0 }
    const pages = await Promise.all((['websocket', 'http'] as const).map(async (transport) => {
      const { url } = await Site.start(t, html(origin(app), transport))
      const context = await newContext()
      t.teardown(() => context.close())
      const page = await context.newPage()
      watchErrors(t, page)
      await page.exposeFunction('mint', () => {
        minted[transport]++
        return shortToken(TOKEN_MS, { subscribe: ['private'] })
      })
      await page.goto(url)
      await page.waitForFunction(() => (window as never as TellingWindow).told.some(([kind]) => kind === 'open'))
      return { page, transport }
    }))
    t.equal((await fetch(`${origin(app)}/private`, { headers: bearer(shortToken(TOKEN_MS, { subscribe: ['other'] })) })).status, 403, 'it is private')

    const total = SECONDS * MESSAGES_PER_SECOND
    for (let number = 1; number <= total; number++) {
      await publish(app, 'private', number)
      await delay(1_000 / MESSAGES_PER_SECOND)
    }
    for (const { page, transport } of pages) {
      await page.waitForFunction((total) => (window as never as TellingWindow).told.some(([kind, content]) => kind === 'message' && content === total), total)
      const told = await page.evaluate(() => (window as never as TellingWindow).told)
      t.strictSame(told.filter(([kind]) => kind === 'message' || kind === 'gap').map(([, content]) => content), Array.from({ length: total }, (_, index) => index + 1))
      t.strictSame(told.filter(([kind]) => kind === 'error'), [])
      // A WebSocket is given the new token in place; a stream over HTTP comes back with it.
      const closes = told.filter(([kind]) => kind === 'close').map(([, close]) => String(close))
      t.strictSame(closes.filter((close) => !close.startsWith('4401 ')), [], 'a connection ends with its token only')
      const renewals = minted[transport] - 1
      // On a busy machine one may come too late for that.
      if (transport === 'websocket') t.ok(closes.length <= renewals / 2, `${closes.length} of ${renewals} tokens came too late`)
      else t.ok(closes.length > 0, 'a stream has to come back')
      t.ok(renewals >= Math.floor(SECONDS / 3), `${renewals} tokens ran out`)
      t.comment(`${total} messages, ${renewals} tokens ran out, 0 lost, 0 repeated`)
    }
  })
})
