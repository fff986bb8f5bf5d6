import t from 'tap'
import { origin, publish, startService } from '../helper.js'
import { Bundler } from './bundle.js'
import { launch, openPage } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

/** The program of a worker: reports the first message of `room`, or the error of the call. `CLIENT` and `SERVER` are replaced. */
const PROGRAM = `
import { connectToChannel } from 'CLIENT'
const start = (report) => {
  try {
    connectToChannel('room', (message) => { report(message) }, { since: 'earliest', server: SERVER, share: 'user-7' })
  } catch (error) {
    report(String(error))
  }
}
if ('onconnect' in self) self.onconnect = ({ ports: [port] }) => { start((text) => { port.postMessage(text) }) }
else start((text) => { postMessage(text) })
`

/** Workers, by how a page makes them of the text of a script. */
const WORKERS = {
  'a worker': 'new Worker(blob(text))',
  'a module worker': 'new Worker(blob(text), { type: "module" })',
  'a shared worker': 'new SharedWorker(blob(text)).port',
  'a worker of a data: URL': 'new Worker("data:text/javascript," + encodeURIComponent(text))'
}

t.test('the package in workers', async (t) => {
  const newContext = await launch(t)
  const bundler = await Bundler.create(t)
  const app = await startService(t)
  await publish(app, 'room', 'received')
  const page = await openPage(t, newContext, (await Site.start(t, '<!doctype html><link rel="icon" href="data:,">', app)).url)

  const report = async (make: string, client: string, server: string): Promise<unknown> => {
    const text = await bundler.bundle({ stdin: { contents: PROGRAM.replace('CLIENT', client).replace('SERVER', server), resolveDir: process.cwd() } })
    return await page.evaluate(`new Promise((resolve, reject) => {
      const text = ${JSON.stringify(text)}
      const blob = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
      const worker = ${make}
      worker.onmessage = ({ data }) => { resolve(data) }
      worker.onerror = ({ message }) => { reject(new Error('the worker failed: ' + message)) }
    })`)
  }

  for (const [name, make] of Object.entries(WORKERS)) {
    await t.test(`receives in ${name} with an absolute server, and with the page's host where it knows it`, async (t) => {
      const without = name.includes('data:') ? 'TypeError: expected channel, callback, server' : 'received'
      for (const client of ['fastify-messenger-client', 'fastify-messenger-client/shared']) {
        t.equal(await report(make, client, JSON.stringify(origin(app))), 'received', client)
        t.equal(await report(make, client, 'undefined'), without, client)
      }
    })
  }
})
