import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import t from 'tap'

interface Manifest {
  name: string
  bin: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const readManifest = async (directory: string): Promise<Manifest> => JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest

// A user has none of the settings by which tap makes Node run TypeScript.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS$|TAP|_?TAPJS|TS_NODE|npm_)/.test(name)))

/** Packs the package and unpacks it in `directory`/package, as `npm install` does. */
async function unpackPackage (directory: string): Promise<string> {
  await run(process.execPath, ['scripts/prepare.mjs', 'package'], { cwd: root, env })
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], { cwd: root, env })
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz')) ?? ''
  await run('tar', ['-xzf', tarball], { cwd: directory })
  return join(directory, 'package')
}

/** Gives a package the dependencies that it declares, and none besides. */
async function linkDependencies (directory: string): Promise<void> {
  const { dependencies, peerDependencies } = await readManifest(directory)
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(directory, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
}

/** Installs the package in a project of its own, outside of this one, where nothing else is found by accident. */
async function installConsumer (): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-messenger-'))
  t.teardown(async () => { await rm(directory, { recursive: true, force: true }) })
  const unpacked = await unpackPackage(directory)
  const { name, bin } = await readManifest(unpacked)

  const consumer = join(directory, 'consumer')
  await cp(join(root, 'test/package/consumer'), consumer, { recursive: true })
  await linkDependencies(consumer)
  const installed = join(consumer, 'node_modules', name)
  await cp(unpacked, installed, { recursive: true })
  await linkDependencies(installed)
  await mkdir(join(consumer, 'node_modules/.bin'))
  for (const [command, file] of Object.entries(bin)) {
    await chmod(join(installed, file), 0o755)
    await symlink(join('..', name, file), join(consumer, 'node_modules/.bin', command))
  }
  return consumer
}

/** Runs the TypeScript compiler in a directory; resolves with what it complains about. */
async function compile (cwd: string, args: string): Promise<string> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, ...args.split(' ')], { cwd, env }).catch((error: unknown) => error as { stdout: string })
  return stdout
}

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
  const consumer = await installConsumer()

  t.test('holds the compiled server, the browser client and their types, and nothing besides', async (t) => {
    const directory = join(consumer, 'node_modules/fastify-messenger')
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    for (const file of ['package.json', 'LICENSE', 'README.md', 'public/index.html', 'public/client.js', 'public/client.mjs', 'dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/server.js', 'dist/client/index.js', 'dist/client/index.d.ts', 'public/client.shared.js', 'public/client.shared.mjs', 'dist/client/shared.js', 'dist/client/shared.d.ts']) {
      t.ok(files.includes(file), `holds ${file}`)
    }
    t.same(files.filter((file) => !/^(package\.json|LICENSE|README\.md|public\/.*|dist\/.*\.(js|d\.ts)|dist\/(publisher\/.*|src\/index)\.(cjs|d\.cts))$/.test(file)), [])
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

  t.test('is required by CommonJS as the one implementation, with types of that kind of module', async (t) => {
    const program = `
const messenger = require('fastify-messenger')
const app = require('fastify')()
app.register(messenger, { token: 'secret' }).then(async () => {
  const { subscribers } = await app.channels.publish('room', 1)
  console.log(JSON.stringify({ subscribers, same: (await import('fastify-messenger')).default === messenger.default }))
  await app.close()
})`
    const { stdout } = await run(process.execPath, ['--no-warnings', '-e', program], { cwd: consumer, env })
    t.strictSame(JSON.parse(stdout), { subscribers: 0, same: true })

    for (const [file, kind] of [['common.cts', 'node16'], ['common.cts', 'nodenext'], ['index.ts', 'esnext --moduleResolution bundler']] as const) {
      const found = await compile(consumer, `--module ${kind} --target es2022 --lib es2022 --types node --strict --noEmit --ignoreConfig ${file}`)
      t.equal(found, '', `${file}, ${kind}`)
    }
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
