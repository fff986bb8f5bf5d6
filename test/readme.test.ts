import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { launch, watchErrors } from './browser/chromium.js'
import { addressed, environmentOf } from './docs/commands.js'
import { Document } from './docs/document.js'
import { scratch } from './docs/snippets.js'
import { eventually } from './eventually.js'
import { ask, origin, publish, startService } from './helper.js'

const MAX_LINES = 180
const readme = new Document('README.md')

// The commands of its other blocks are run with those of all pages, by docs/docs.test.ts.
t.test('README', async (t) => {
  t.test('has its sections in the order in which a newcomer needs them', (t) => {
    t.strictSame(readme.headings, [
      'Install', 'Embed', 'Standalone', 'Browser', 'curl', 'Guarantees', 'Authentication', 'Documentation'
    ])
    t.ok(readme.text.split('\n').length <= MAX_LINES + 1, `at most ${MAX_LINES} lines`)
    t.match(readme.text, 'npm test')
    t.end()
  })

  t.test('embeds the messenger with a program of ten lines', async (t) => {
    const code = readme.code('js', 'app.register')
    t.ok(code.trimEnd().split('\n').length <= 10)
    const file = join(scratch(t, 'readme'), 'host.mjs')
    writeFileSync(file, `${code.replace('{ port: 3001 }', '{ port: 0 }')}\nconsole.log(app.server.address().port)\n`)
    const child = spawn(process.execPath, [file], { env: { PATH: process.env['PATH'] } })
    t.teardown(() => child.kill())
    const [output] = await once(child.stdout, 'data') as [Buffer]
    const url = `http://127.0.0.1:${output.toString().trim()}/orders`
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' })
    t.match(await response.json(), { id: /:1$/, subscribers: 0 })
  })

  t.test('starts the service with three lines, and with the token that they set', async (t) => {
    const code = readme.code('sh', 'npm ci\n')
    t.equal(code.trimEnd().split('\n').length, 3)
    const env = await environmentOf(code)
    const app = await startService(t, env)
    const headers = { authorization: `Bearer ${env['BEARER_TOKEN'] ?? ''}`, 'content-type': 'application/json' }
    t.equal((await ask(app, '/send/room1', { method: 'POST', headers, body: '{"message":1}' })).status, 200)
  })

  t.test('streams into a terminal with the curl command it shows', async (t) => {
    const app = await startService(t)
    const child = spawn('sh', ['-c', `exec ${addressed(app, readme.code('sh', 'curl -N'))}`])
    t.teardown(() => child.kill())
    const lines: string[] = []
    child.stdout.on('data', (chunk: Buffer) => { lines.push(...chunk.toString().trim().split('\n')) })
    await once(child.stdout, 'data')
    await publish(app, 'room1', 'for the terminal')
    while (lines.length < 2) await once(child.stdout, 'data')
    t.match(JSON.parse(lines[1] as string), { channel: 'room1', message: 'for the terminal' })
  })

  t.test('subscribes a page with the script tag and with EventSource', async (t) => {
    const app = await startService(t)
    const context = await (await launch(t))()
    for (const code of [readme.code('html', 'connectToChannel'), `<script>${readme.code('js', 'EventSource')}</script>`]) {
      const page = await context.newPage()
      watchErrors(t, page)
      // Beside it stands what the browser says of an icon that is not there.
      const logged = page.waitForEvent('console', (message) => message.type() === 'log')
      await page.goto(`${origin(app)}/-/live`)
      await page.setContent(addressed(app, code))
      await eventually(() => app.channels.subscriberCount('room1') > 0)
      await publish(app, 'room1', 'for the page')
      t.match((await logged).text(), 'for the page')
      await page.close()
      await eventually(() => app.channels.subscriberCount('room1') === 0)
    }
  })
})
