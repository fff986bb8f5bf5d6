import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import t from 'tap'
import { root } from '../../scripts/root.mjs'
import { thinMap } from '../../scripts/thin-map.mjs'
import { origin, publish, startService } from '../helper.js'
import { userEnv as env } from '../user-env.js'
import { compile, run } from './consumer.js'

// It compiles and installs, which is slow on a busy machine.
t.setTimeout(180_000)

interface Manifest {
  version: string
  dependencies?: object
  peerDependencies: Record<string, string>
  exports: Record<string, Record<string, string | Record<string, string>>>
  unpkg: string
  jsdelivr: string
}

const readManifest = async (directory: string): Promise<Manifest> => JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest

/** Packs the package as it is published and installs the file in a project outside of this one. */
async function installConsumer (): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-messenger-client-'))
  t.teardown(async () => { await rm(directory, { recursive: true, force: true }) })
  await run('npm', ['pack', '--pack-destination', directory], { cwd: join(root, 'packages/client'), env })
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz')) ?? ''
  const consumer = join(directory, 'consumer')
  await cp(join(root, 'test/package/client-consumer'), consumer, { recursive: true })
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(directory, tarball)], { cwd: consumer, env })
  return consumer
}

/** Gives the project React, which nothing but the hook needs. */
async function linkReact (consumer: string): Promise<void> {
  await mkdir(join(consumer, 'node_modules/@types'), { recursive: true })
  for (const name of ['react', 'react-dom', '@types/react', '@types/react-dom', '@types/node']) {
    const link = join(consumer, 'node_modules', name)
    await rm(link, { force: true })
    await symlink(join(root, 'node_modules', name), link)
  }
}

/** Node.js 20 has WebSockets when asked, later versions always. */
const WEBSOCKET = process.versions.node.startsWith('20.') ? ['--experimental-websocket'] : []

t.test('fastify-messenger-client', async (t) => {
  const consumer = await installConsumer()
  const installed = join(consumer, 'node_modules/fastify-messenger-client')
  const readInstalled = async (file: string): Promise<string> => await readFile(join(installed, file), 'utf8')

  t.test('has the version of the server', async (t) => {
    t.equal((await readManifest(installed)).version, (await readManifest(root)).version, 'packages/client/package.json')
  })

  t.test('is one package of at most 60 KB, without dependencies', async (t) => {
    t.strictSame((await readdir(join(consumer, 'node_modules'))).filter((name) => !name.startsWith('.')), ['fastify-messenger-client'])
    const manifest = await readManifest(installed)
    t.notOk(manifest.dependencies)
    t.strictSame(Object.keys(manifest.peerDependencies), ['react'])
    const files = (await readdir(installed, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    let bytes = 0
    for (const { parentPath, name } of files) bytes += (await stat(join(parentPath, name))).size
    t.ok(bytes > 0 && bytes <= 60_000, `${bytes} bytes`)
  })

  t.test('holds the files that its manifest names, a license and a description, and no path of the machine that built it', async (t) => {
    const { exports, unpkg, jsdelivr } = await readManifest(installed)
    const named = Object.values(exports).flatMap((entry) => Object.values(typeof entry === 'string' ? [entry] : entry)).flatMap((target) => typeof target === 'string' ? [target] : Object.values(target))
    for (const file of [...named, unpkg, jsdelivr, 'LICENSE', 'README.md']) t.notMatch(await readInstalled(file), root, file)
  })

  for (const [kind, files] of [
    ['node16', 'module.mts common.cts page.ts'], ['nodenext', 'module.mts common.cts page.ts'], ['preserve', 'module.mts common.cts page.ts'],
    ['esnext --moduleResolution bundler', 'module.mts page.ts'], ['commonjs --moduleResolution bundler', 'common.cts page.ts']
  ] as const) {
    t.test(`has types for module ${kind}, without skipLibCheck`, async (t) => {
      t.equal(await compile(consumer, `--module ${kind} --target es2022 --lib es2022 --strict --exactOptionalPropertyTypes --skipLibCheck false --noEmit --ignoreConfig ${files}`), '')
    })
  }

  t.test('runs in Node.js with an absolute server, over a WebSocket and over HTTP, and says why not without one', async (t) => {
    const app = await startService(t)
    await publish(app, 'room1', { text: 'hello' })
    t.equal(await compile(consumer, '--module nodenext --target es2022 --lib es2022 --strict --outDir . --ignoreConfig module.mts common.cts'), '')
    await linkReact(consumer)
    const why = 'TypeError: expected channel, callback, server'
    for (const flags of [[], WEBSOCKET]) {
      const [module, common] = await Promise.all(['module.mjs', 'common.cjs'].map(async (file) => {
        // It ends by itself: no timer and no connection is left.
        const { stdout, stderr } = await run(process.execPath, [...flags, file, origin(app)], { cwd: consumer, env, timeout: 60_000 })
        t.notMatch(stderr, /Error/)
        return JSON.parse(stdout) as object
      }))
      t.match(module, { message: { text: 'hello' }, again: true, open: true, gaps: [], refusals: [why, why], hook: 'function', one: true })
      t.strictSame(common, { text: 'hello', id: 'string', hook: 'function', global: false })
    }
  })

  t.test('has a hook that connects to nothing where a server renders it, in both kinds of module', async (t) => {
    await linkReact(consumer)
    t.equal(await compile(consumer, '--module nodenext --target es2022 --types node --strict --skipLibCheck --outDir . --ignoreConfig server.mts'), '')
    const rendered = '<p>connecting</p> <p>idle</p>\n'
    t.equal((await run(process.execPath, ['server.mjs'], { cwd: consumer, env })).stdout, rendered)
    const program = (await readFile(join(consumer, 'server.mjs'), 'utf8')).replace(/import (\{.*\}) from ('.*')/g, 'const $1 = require($2)')
    t.equal((await run(process.execPath, ['--input-type=commonjs', '-e', program], { cwd: consumer, env })).stdout, rendered)
    for (const file of ['react.mjs', 'react.js']) t.match(await readInstalled(`dist/${file}`), /^'use client'\n/, file)
  })

  t.test('has scripts that add one global to a page, also to one with an element "module", and none to a CommonJS module', async (t) => {
    for (const file of ['client.js', 'client.shared.js']) {
      const code = await readInstalled(`dist/${file}`)
      for (const page of [{}, { module: { id: 'module' } }]) {
        const names = Object.keys(page)
        runInContext(code, createContext(page))
        t.strictSame(Object.keys(page), [...names, 'connectToChannel'], file)
      }
      const module = { module: { exports: {} as Record<string, unknown> } }
      runInContext(code, createContext(module))
      t.strictSame([Object.keys(module), Object.keys(module.module.exports)], [['module'], ['connectToChannel']], file)
    }
  })

  t.test('has source maps that lead to the modules beside the scripts', async (t) => {
    for (const [file, marks] of [['client.js', ['expected channel', 'Retry-After']], ['client.shared.js', ['expected channel', 'visibilitychange', 'AbortError']]] as const) {
      const code = await readInstalled(`dist/${file}`)
      t.match(code, new RegExp(`\n//# sourceMappingURL=${file}\\.map\n$`))
      const map = new SourceMap(JSON.parse(await readInstalled(`dist/${file}.map`)) as ConstructorParameters<typeof SourceMap>[0])
      for (const mark of marks) {
        const entry = map.findEntry(0, code.indexOf(mark))
        if (!('originalLine' in entry)) { t.fail(`${file}: ${mark} is not mapped`); continue }
        const lines = (await readInstalled(`dist/${entry.originalSource}`)).split('\n')
        const near = (lines[entry.originalLine] ?? '').slice(entry.originalColumn, entry.originalColumn + 160)
        t.ok(near.includes(mark), `${file}: ${mark} at ${entry.originalSource}:${entry.originalLine}: ${near}`)
      }
    }
  })

  t.test('is bundled once, with tabs in the same connections where a page imports both', async (t) => {
    const contents = `import { connectToChannel } from 'fastify-messenger-client'
import * as shared from 'fastify-messenger-client/shared'
console.log(connectToChannel === shared.connectToChannel)`
    const { outputFiles: [output], metafile: { inputs } } = await build({ stdin: { contents, resolveDir: consumer }, bundle: true, format: 'esm', write: false, metafile: true })
    t.strictSame(Object.keys(inputs).map((path) => path.replace(/.*\//, '')).sort(), ['<stdin>', 'index.mjs', 'internal.mjs', 'shared.mjs'])
    t.notMatch(output?.text, /\b(require|process|node:)/)
    t.match(output?.text, 'BroadcastChannel')
  })
})

t.test('thinMap', async (t) => {
  t.test('leaves out what is near on the same line, names, and a source that is none', async (t) => {
    // Of `a.js` columns 0, 4 and 64 of line 0 and column 2 of line 1, then of `entry.js` column 0 of line 0.
    const map = thinMap({ sources: ['a.js', 'entry.js'], mappings: 'AAAA,EAAI,EAA4D;AAC9D,ECDF' }, 'out.js', 'entry.js')
    t.strictSame(map, { version: 3, file: 'out.js', sources: ['a.js'], names: [], mappings: 'AAAA,IAAgE;AAC9D' })
  })
})
