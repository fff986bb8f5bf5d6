import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { compileClient } from '../../scripts/client.mjs'
import { connectToChannel } from '../../src/client/index.js'
import type * as client from '../../src/client/index.js'
import type * as serverUrl from '../../src/client/server-url.js'
import { fakeDocument } from './fake-document.js'
import { FakePage } from './fake-page.js'

type ServerUrl = typeof serverUrl

/**
 * Bytes, gzipped. The aims are 2,560 and 3,328: connections of several channels cost more than those leave, so these are the sizes that
 * the client has, and no more.
 */
const BUDGETS = { 'client.js': [3_328, 'script.ts', 'index.ts'], 'client.shared.js': [4_352, 'shared-script.ts', 'shared.ts'] } as const

/** The error outside of a page, where no host could be the server. */
const NO_SERVER = new TypeError('expected channel, callback, server')

let copies = 0

/** Loads a module anew: the one that the helpers have loaded has already looked for its script tag. */
async function load<M> (file: string): Promise<M> {
  return await import(`../../src/client/${file}?copy=${++copies}`) as M
}

for (const [name, [budget, script, module]] of Object.entries(BUDGETS)) {
  t.test(name, async (t) => {
    t.test(`has at most ${budget} bytes gzipped, as has the module`, async (t) => {
      for (const [entry, format] of [[script, 'iife'], [module, 'esm']] as const) {
        const { length } = gzipSync(await compileClient(entry, format), { level: 9 })
        t.ok(length > 0 && length <= budget, `${format}: ${length} bytes`)
      }
    })

    t.test('adds connectToChannel to the page and nothing else', async (t) => {
      const window: Record<string, unknown> = {}
      runInContext(await compileClient(script, 'iife'), createContext(window))
      t.strictSame(Object.keys(window), ['connectToChannel'])
    })
  })
}

t.test('the client', async (t) => {

  t.test('takes the server from its own script tag, and options before it', async (t) => {
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

  t.test('is there with tabs that share, too, as a script and as a module', async (t) => {
    Reflect.deleteProperty(globalThis, 'connectToChannel')
    await load('shared-script.js')
    t.type((globalThis as { connectToChannel?: unknown }).connectToChannel, 'function')
    t.equal((await load<typeof client>('shared.js')).connectToChannel, connectToChannel)
  })

  t.test('takes the server from the tag of a module, which does not know its own', async (t) => {
    const page = new FakePage(t)
    fakeDocument.querySelector = (selector) => selector === 'script[data-server]' ? { dataset: { server: '/rt' } } : null
    t.teardown(() => { delete fakeDocument.querySelector })
    const { channelUrl } = await load<ServerUrl>('server-url.js')
    t.equal(channelUrl('room', undefined), 'https://page.example/rt/room')
    t.equal(page.sockets.length, 0)
  })

  t.test('finds the page\'s host in frames and workers that have no address of their own', async (t) => {
    const { channelUrl } = await load<ServerUrl>('server-url.js')
    fakeDocument.baseURI = 'https://parent.example/app/'
    t.teardown(() => { delete fakeDocument.baseURI })
    for (const [href, server, url] of [
      ['about:srcdoc', undefined, 'https://parent.example/room'],
      ['about:blank', '/rt', 'https://parent.example/rt/room'],
      ['blob:https://page.example/0f8c1f0e-7d2a', undefined, 'https://page.example/room'],
      ['https://page.example/app/?blob:x', 'rt', 'https://page.example/app/rt/room'],
      ['data:text/html,x', 'https://rt.example', 'https://rt.example/room'],
      ['file:///home/page.html', 'wss://rt.example/a', 'https://rt.example/a/room']
    ] as const) {
      t.intercept(globalThis, 'location', { value: { href }, configurable: true, writable: true })
      t.equal(channelUrl('room', server), url, href)
    }
    for (const href of ['data:text/html,x', 'file:///home/page.html']) {
      t.intercept(globalThis, 'location', { value: { href }, configurable: true, writable: true })
      t.throws(() => connectToChannel('room', () => undefined), NO_SERVER, href)
    }
  })

  t.test('can be loaded where there is no document', async (t) => {
    Reflect.deleteProperty(globalThis, 'document')
    t.teardown(() => { Object.assign(globalThis, { document: fakeDocument }) })
    const { page } = await load<ServerUrl>('server-url.js')
    t.equal(page, undefined)
  })

  t.test('can be called in Node, with the address of a server', async (t) => {
    for (const name of ['document', 'location', 'addEventListener']) t.intercept(globalThis, name as never, { value: undefined, configurable: true, writable: true })
    const { connectToChannel } = await load<typeof client>('index.js')
    for (const server of [undefined, '', '/rt', 'rt', '//', 'http://[']) t.throws(() => connectToChannel('room', () => undefined, { server }), NO_SERVER, String(server))
    connectToChannel('room', () => undefined, { server: 'http://127.0.0.1:9' })()
  })
})
