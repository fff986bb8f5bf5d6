import t from 'tap'
import { clientFiles } from '../../scripts/integrity.mjs'
import { Document } from '../docs/document.js'
import { origin, startHost, startService } from '../helper.js'
import { launch, openPage } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

/** The tag that the manual shows, for a messenger at an address. */
function tag (server: string): string {
  return new Document('docs/client.md').code('text', 'integrity=').replaceAll('https://example.com/rt', server)
}

t.test('the hash of the client', async (t) => {
  const newContext = await launch(t)

  await t.test('lets a page of another origin run the file that docs/client.md names, and no other', async (t) => {
    const app = await startHost(t, { prefix: '/rt' })
    await app.channels.publish('room', 'received')
    const server = `${origin(app)}/rt`
    const page = (script: string): string => `<!doctype html><link rel="icon" href="data:,">${script}<p></p><script>
      if (window.connectToChannel) connectToChannel('room', (message) => { document.querySelector('p').textContent = message }, { since: 'earliest' })
      else document.querySelector('p').textContent = 'blocked'
    </script>`
    const other = tag(server).replace(/sha384-./, (text) => text === 'sha384-A' ? 'sha384-B' : 'sha384-A')
    for (const [script, shown] of [[tag(server), 'received'], [other, 'blocked']] as const) {
      const opened = await openPage(t, newContext, (await Site.start(t, page(script))).url)
      await opened.locator('p', { hasText: shown }).waitFor()
      t.equal(await opened.locator('p').innerText(), shown)
    }
  })

  await t.test('is shown by the page at /', async (t) => {
    const app = await startService(t)
    const page = await openPage(t, newContext, `${origin(app)}/`)
    await page.locator('#script', { hasText: 'integrity' }).waitFor({ state: 'attached' })
    const text = await page.locator('#script').textContent() ?? ''
    const [file] = clientFiles()
    t.match(text, `${origin(app)}/${file?.name ?? ''}"`)
    t.match(text, `integrity="${file?.integrity ?? ''}"`)
    t.match(text, 'crossorigin')
  })
})
