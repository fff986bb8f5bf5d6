import t from 'tap'
import { origin, publish, startService } from '../helper.js'
import { launch, watchErrors } from './chromium.js'
import { startEnvironments } from './environments.mjs'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

t.test('the client', async (t) => {
  t.test('works in scripts, modules, workers and frames, with and without WebSockets', async (t) => {
    const app = await startService(t)
    await publish(app, 'room', 'marker')
    const environments = await startEnvironments(origin(app), 60_000)
    t.teardown(() => { environments.close() })
    const page = await (await (await launch(t))()).newPage()
    watchErrors(t, page)
    await page.goto(environments.url)
    t.strictSame(await environments.received, {})
  })
})
