import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import t from 'tap'
import { root } from '../../scripts/root.mjs'
import { Document } from '../docs/document.js'
import { userEnv as env } from '../user-env.js'
import { compile, installConsumer, packPackage, run } from './consumer.js'

/** The address in the first line of the log that has one. */
async function listening (service: ChildProcess): Promise<string> {
  let log = ''
  for await (const chunk of service.stdout ?? []) {
    log += String(chunk)
    const [, address] = /listening at (http:[^"\s]+)/.exec(log) ?? []
    if (address !== undefined) return address
  }
  throw new Error(`the service ended before it listened: ${log}`)
}

t.test('package', async (t) => {
  const consumer = await installConsumer(await packPackage(t))

  t.test('holds the compiled server, the browser client and their types, and nothing besides', async (t) => {
    const directory = join(consumer, 'node_modules/fastify-messenger')
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    for (const file of ['package.json', 'LICENSE', 'README.md', 'public/index.html', 'public/client.js', 'public/client.mjs', 'dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/server.js', 'dist/client/index.js', 'dist/client/index.d.ts', 'public/client.shared.js', 'public/client.shared.mjs', 'dist/client/shared.js', 'dist/client/shared.d.ts']) {
      t.ok(files.includes(file), `holds ${file}`)
    }
    t.same(files.filter((file) => !/^(package\.json|LICENSE|[A-Z]+\.md|docs\/[\w-]+\.md|bench\/RESULTS\.md|public\/.*|dist\/.*\.(js|d\.ts)|dist\/((publisher|client)\/.*|src\/index)\.(cjs|d\.cts))$/.test(file)), [])
    for (const link of new Document('README.md').links.filter((target) => !/^https?:/.test(target))) t.ok(files.includes(link.replace(/#.*/, '')), `holds ${link}`)
    t.same(files.filter((file) => /^public\/.*(\.map|\.ts)$/.test(file)), [])
  })

  t.test('compiles and runs in a strict host that publishes in process and subscribes with the client', async (t) => {
    t.equal(await compile(consumer, '-p .'), '')

    // A browser has WebSockets; Node 20 has them when asked.
    const { stdout } = await run(process.execPath, ['--experimental-websocket', 'dist/index.js'], { cwd: consumer, env })
    const seen = JSON.parse(stdout) as { publication: { id: string }, received: { meta: { time: number } } }
    const { id } = seen.publication
    t.match(id, /^[^:]+:1$/)
    t.same(seen, {
      subscribers: 1,
      occupied: ['room1'],
      publication: { id, subscribers: 1 },
      received: { message: { text: 'hello' }, meta: { id, channel: 'room1', time: seen.received.meta.time } }
    })
  })

  t.test('has a publisher for ES modules and for CommonJS, with the same types', async (t) => {
    const { stdout } = await run(process.execPath, ['dist/publisher.cjs'], { cwd: consumer, env })
    t.strictSame(JSON.parse(stdout), { cause: 'MSG_ERR_PUBLISHER_UNREACHABLE', code: 'MSG_ERR_PUBLISH_UNCONFIRMED', channel: 'room1', same: ['PublishError', 'PublisherCode', 'RawJson', 'createPublisher'] })
  })

  t.test('is required by CommonJS as the one implementation, with the client beside it', async (t) => {
    const program = `
const messenger = require('fastify-messenger')
const clients = [require('fastify-messenger/client'), require('fastify-messenger/client/shared')]
const app = require('fastify')()
app.register(messenger, { token: 'secret' }).then(async () => {
  const { subscribers } = await app.channels.publish('room', 1)
  const module = await import('fastify-messenger')
  const same = Object.keys(module).every((name) => name === 'module.exports' || messenger[name] === module[name])
  console.log(JSON.stringify({ subscribers, same, clients: clients.map(({ connectToChannel }) => typeof connectToChannel) }))
  await app.close()
})`
    const { stdout } = await run(process.execPath, ['--no-warnings', '-e', program], { cwd: consumer, env })
    t.strictSame(JSON.parse(stdout), { subscribers: 0, same: true, clients: ['function', 'function'] })
  })

  t.test('bundles the client with esbuild, for a page and for a module', async (t) => {
    for (const [format, entry] of [['iife', 'client'], ['esm', 'client'], ['iife', 'client/shared'], ['esm', 'client/shared']] as const) {
      const contents = `export { connectToChannel } from 'fastify-messenger/${entry}'`
      const bundled = await build({
        stdin: { contents, resolveDir: consumer }, bundle: true, format, globalName: 'bundle', platform: 'browser', write: false
      })
      const text = bundled.outputFiles[0]?.text ?? ''
      t.notMatch(text, /\b(require|process|node:)/)
      const script = format === 'iife' ? text : text.replace(/export \{\s*(\w+) as connectToChannel\s*\};?/, 'var bundle = { connectToChannel: $1 }')
      const call = `try { bundle.connectToChannel() } catch ({ name, message }) { name + ': ' + message }`
      t.match(runInNewContext(`${script}\n${call}`, { URL, location: new URL('https://example.com') }), /^TypeError: expected channel/)
    }
  })

  t.test('starts the service by its command and ends with 0 on SIGTERM', async (t) => {
    const service = spawn(join(consumer, 'node_modules/.bin/fastify-messenger'), { cwd: consumer, env: { ...env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => service.kill('SIGKILL'))
    const address = await listening(service)
    t.equal((await fetch(`${address}/-/ready`)).status, 200)
    t.equal((await fetch(`${address}/client.js`)).status, 200)
    service.kill('SIGTERM')
    t.same(await once(service, 'exit'), [0, null])
  })
})

t.test('npm start', async (t) => {
  t.test('runs the service, hands it SIGTERM and ends with its exit code', async (t) => {
    const npm = spawn('npm', ['start'], { cwd: root, env: { ...env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => npm.kill('SIGKILL'))
    const address = await listening(npm)
    t.equal((await fetch(`${address}/-/ready`)).status, 200)
    npm.kill('SIGTERM')
    t.same(await once(npm, 'exit'), [0, null])
  })
})
