// `npm run example-screenshots [<name>…]`: draws the examples as docs/examples.md shows them, light, dark and narrow.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { withPalette } from '../scripts/png.mjs'

const DIRECTORY = join(import.meta.dirname, '../docs/examples')
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 960, height: 600 } },
  dark: { colorScheme: 'dark', viewport: { width: 960, height: 600 } },
  narrow: { colorScheme: 'light', viewport: { width: 390, height: 760 }, hasTouch: true }
}
const post = async (url, body) => await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).text()

/** What happens in each example before it is drawn; resolves with the page. */
const SCENES = {
  async chat (open, url) {
    const join = async (name) => {
      const page = await open(url)
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Join' }).click()
      await page.getByText('Live').waitFor()
      return page
    }
    const say = async (page, text) => {
      await page.getByLabel('Message', { exact: true }).fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText(text).waitFor()
    }
    const anna = await join('Anna')
    const [ben, chiara] = [await join('Ben'), await join('Chiara')]
    await say(ben, 'The beans are in. Who waters on Thursday?')
    await say(anna, 'I can, if somebody leaves me the key of the shed.')
    await say(chiara, 'It hangs behind the door now, left side.')
    await say(anna, 'Perfect. And the tomatoes?')
    await say(ben, 'Not before the nights are warm, or we start all over again like last year.')
    await chiara.getByRole('button', { name: 'kitchen' }).click()
    await anna.getByText('we start all over').waitFor()
    return anna
  },
  async notifications (open, url) {
    const anna = await open(`${url}/login/Anna`)
    await anna.getByText('Live').waitFor()
    for (const notice of ['invoice', 'reply']) await post(`${url}/jobs`, { user: 'Anna', notice })
    await anna.getByText('Support has answered').first().waitFor()
    await anna.getByRole('button', { name: 'Mark all' }).click()
    await post(`${url}/jobs`, { user: 'Anna', notice: 'shipped' })
    await anna.locator('#notices').getByText('Your parcel').waitFor()
    return anna
  },
  async job (open, url) {
    const [anna, page] = [await open(`${url}/login/Anna`), await open(`${url}/job.html`)]
    await anna.getByText('Live').waitFor()
    for (const [user, notice] of [['Anna', 'invoice'], ['Ben', 'shipped'], ['Anna', 'reply']]) await post(`${url}/jobs`, { user, notice })
    await page.getByText('Anna: Support').waitFor()
    return page
  },
  async dashboard (open, url) {
    const page = await open(url)
    await page.getByText('28 channels').waitFor()
    return page
  },
  async document (open, url) {
    const [anna, ben] = [await open(url), await open(url)]
    await anna.getByLabel('Your name').fill('Anna')
    await ben.getByLabel('Your name').fill('Ben')
    await anna.getByText('Live').waitFor()
    await ben.getByLabel('Paragraph 3').fill('Anna has the key of the shed. The wheelbarrow has its new tyre.')
    await anna.getByText('Last edit: Ben').waitFor()
    await anna.getByRole('button', { name: 'Go offline' }).click()
    for (const text of ['beans', 'beans, peas', 'beans, peas, leeks', 'beans, peas, leeks and garlic', 'beans, peas, leeks, garlic', 'beans, peas, leeks, garlic and the early potatoes']) {
      await post(`${url}/edits`, { index: 1, text: `We begin with the beds along the south wall: ${text}. The tomatoes wait until the nights are warm.`, by: 'Ben', edit: text.slice(0, 36) })
    }
    await anna.getByRole('button', { name: 'Come back' }).click()
    await anna.getByText('fetched anew').waitFor()
    await anna.getByLabel('Paragraph 4').fill('Water comes from the rain barrels first. When they are empty we take turns with the pump.')
    await anna.getByText('Anna, paragraph 4').waitFor()
    return anna
  },
  async iot (open, url) {
    const page = await open(url)
    await page.waitForTimeout(15_000)
    await page.getByRole('button', { name: 'of Roof' }).click()
    await page.waitForTimeout(20_000)
    await page.evaluate(() => { globalThis.scrollTo(0, 0) })
    return page
  },
  async game (open, url) {
    const red = await open(url)
    await red.getByRole('button', { name: 'New match' }).click()
    await red.getByText('Waiting for yellow').waitFor()
    const yellow = await open(red.url())
    await yellow.getByRole('button', { name: 'Join as yellow' }).click()
    for (const [turn, column] of [4, 4, 3, 5, 5, 3, 4, 2, 6, 6, 4, 5, 3].entries()) {
      await (turn % 2 === 0 ? red : yellow).getByRole('button', { name: `Column ${column},` }).click()
      await yellow.getByText(`Move ${turn + 1} of ${turn + 1}`).waitFor()
      await red.getByText(`Move ${turn + 1} of ${turn + 1}`).waitFor()
    }
    return yellow
  }
}
/** The example of a scene that does not have its name. */
const OTHER = { job: 'notifications' }

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none', '--disable-lcd-text'] })
mkdirSync(DIRECTORY, { recursive: true })
const drawn = process.argv.slice(2)
for (const [name, scene] of Object.entries(SCENES)) {
  if (drawn.length > 0 && !drawn.includes(name)) continue
  for (const [look, options] of Object.entries(LOOKS)) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'run.mjs'), OTHER[name] ?? name], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
    const [output] = await once(child.stdout, 'data')
    const [url] = /http:[^\s,]+/.exec(output)
    const contexts = []
    const open = async (address) => {
      const context = await browser.newContext({ ...options, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' })
      contexts.push(context)
      const page = await context.newPage()
      page.on('pageerror', (error) => { console.error(error) })
      page.on('console', (message) => { if (message.type() === 'error') console.error(message.text()) })
      await page.goto(address)
      return page
    }
    const page = await scene(open, url)
    await page.bringToFront()
    await page.evaluate(() => { globalThis.document.activeElement.blur() })
    await page.mouse.move(0, 0)
    await page.waitForTimeout(400)
    writeFileSync(join(DIRECTORY, `${name}-${look}.png`), withPalette(await page.screenshot()))
    await Promise.all(contexts.map((context) => context.close()))
    child.kill()
  }
}
await browser.close()
