import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type * as serverUrl from '../../src/client/server-url.js'
import { fakeDocument } from './fake-document.js'
import { FakePage } from './fake-page.js'

type ServerUrl = typeof serverUrl

const BUDGET = 2048

let copies = 0

/** Loads a module anew: the one that the helpers have loaded has already looked for its script tag. */
async function load<M> (file: string): Promise<M> {
  return await import(`../../src/client/${file}?copy=${++copies}`) as M
}

/** The client as scripts/build.mjs compiles it. */
async function bundle (entry: string, format: 'iife' | 'esm'): Promise<string> {
  const { outputFiles: [file] } = await build({
    entryPoints: [fileURLToPath(new URL(`../../src/client/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    target: 'es2020',
    format,
    write: false
  })
  return file?.text ?? ''
}

t.test('client.js', async (t) => {
  t.test(`has at most ${BUDGET} bytes gzipped, as has the module`, async (t) => {
    for (const [entry, format] of [['script.ts', 'iife'], ['index.ts', 'esm']] as const) {
      const { length } = gzipSync(await bundle(entry, format), { level: 9 })
      t.ok(length > 0 && length <= BUDGET, `${format}: ${length} bytes`)
    }
  })

  t.test('adds connectToChannel to the page and nothing else', async (t) => {
    const window: Record<string, unknown> = {}
    runInContext(await bundle('script.ts', 'iife'), createContext(Object.assign(window, { window })))
    t.strictSame(Object.keys(window), ['window', 'connectToChannel'])
  })

  t.test('takes the server from its own script tag, and options before it', async (t) => {
    Object.assign(globalThis, { window: globalThis })
    fakeDocument.currentScript = { dataset: { server: 'https://rt.example/prefix' } }
    await load('script.js')
    t.type((globalThis as { connectToChannel?: unknown }).connectToChannel, 'function')
    const { channelUrl } = await load<ServerUrl>('server-url.js')
    fakeDocument.currentScript = null
    const page = new FakePage(t)
    t.equal(channelUrl('room', undefined), 'https://rt.example/prefix/room')
    t.equal(channelUrl('room', 'http://other.example'), 'http://other.example/room')
    t.equal(page.sockets.length, 0)
  })

  t.test('can be loaded where there is no document', async (t) => {
    Reflect.deleteProperty(globalThis, 'document')
    t.teardown(() => { Object.assign(globalThis, { document: fakeDocument }) })
    const { page } = await load<ServerUrl>('server-url.js')
    t.equal(page, undefined)
  })
})
