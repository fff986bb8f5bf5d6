import { createRequire } from 'node:module'
import { runInThisContext } from 'node:vm'
import type { Plugin } from 'esbuild'
import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import { compile } from 'svelte/compiler'
import t, { type Test } from 'tap'
import { Document } from '../docs/document.js'
import { eventually } from '../eventually.js'
import { origin, publish, startService } from '../helper.js'
import { Bundler } from './bundle.js'
import { launch, openPage } from './chromium.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

const recipes = new Document('docs/frameworks.md')
const [REACT, LIVE_PRICE, PAGE] = [recipes.code('tsx', 'function Orders'), recipes.code('tsx', '\'use client\''), recipes.code('tsx', 'function Page')]
const [COMPOSABLE, COMPONENT, SVELTE] = [recipes.code('ts', 'function useChannel'), recipes.code('ts', 'defineComponent'), recipes.code('svelte', '$effect')]

/** Files that are not on the disk, by the names under which they are imported. */
function files (contents: Record<string, { contents: string, loader: 'js' | 'ts' | 'tsx' }>): Plugin {
  return {
    name: 'files',
    setup (build) {
      const isOne = (path: string, importer: string): boolean => path in contents && !importer.includes('node_modules')
      build.onResolve({ filter: /^\.\// }, ({ path, importer }) => isOne(path, importer) ? { path, namespace: 'files' } : undefined)
      build.onLoad({ filter: /.*/, namespace: 'files' }, ({ path }) => ({ ...contents[path], resolveDir: process.cwd() }))
    }
  }
}

t.test('docs/frameworks.md', async (t) => {
  const newContext = await launch(t)
  const bundler = await Bundler.create(t)

  /** A page whose program has files beside it. */
  const html = async (program: string, beside: Parameters<typeof files>[0]): Promise<string> => await bundler.page({
    stdin: { contents: program, loader: 'ts', resolveDir: process.cwd() }, plugins: [files(beside)], conditions: ['browser']
  })

  const open = async (t: Test, app: FastifyInstance, text: string): Promise<Page> => {
    return await openPage(t, newContext, (await Site.start(t, text, app)).url)
  }

  /** Shows what is published to `channel`, then to `other`, and lets go of that. */
  const assertFollows = async (
    t: Test, text: string, channel: string, message: (text: string) => unknown, other: string
  ): Promise<void> => {
    const app = await startService(t)
    const subscribers = async (name: string, count: number): Promise<void> => {
      await eventually(() => app.channels.subscriberCount(name) === count, { message: `${count} subscribers of ${name}` })
    }
    const page = await open(t, app, text)
    await page.locator('ul[aria-busy=false]').waitFor({ state: 'attached' })
    await subscribers(channel, 1)
    for (const item of ['one', 'two']) await publish(app, channel, message(item))
    await page.locator('li', { hasText: 'two' }).waitFor()
    t.strictSame(await page.locator('li').allInnerTexts(), ['one', 'two'])
    await page.evaluate((other) => { (window as unknown as { go: (channel: string) => void }).go(other) }, other)
    await subscribers(channel, 0)
    await subscribers(other, 1)
    await publish(app, channel, message('unwanted'))
    await publish(app, other, message('three'))
    await page.locator('li', { hasText: 'three' }).waitFor()
    t.strictSame(await page.locator('li').allInnerTexts(), ['one', 'two', 'three'])
    await page.evaluate(() => { (window as unknown as { end: () => void }).end() })
    await subscribers(other, 0)
  }

  await t.test('React: a component shows what comes', async (t) => {
    await assertFollows(t, await html(`
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Orders } from './orders'
const root = createRoot(document.querySelector('main'))
window.go = (channel) => { root.render(createElement(Orders, { user: channel.split(':')[1] })) }
window.end = () => { root.unmount() }
window.go('user:7:orders')`, { './orders': { contents: REACT, loader: 'tsx' } }), 'user:7:orders', (text) => ({ text }), 'user:8:orders')
  })

  await t.test('Next: the server renders what is kept, and the browser goes on from there', async (t) => {
    const app = await startService(t)
    await publish(app, 'prices', 1)
    await publish(app, 'prices', 2)
    const beside = {
      './live-price': { contents: LIVE_PRICE.replace('https://example.com/rt', origin(app)), loader: 'tsx' },
      './page': { contents: PAGE.replace('https://example.com/rt', origin(app)), loader: 'tsx' }
    } as const
    const server = await bundler.bundle({
      stdin: { contents: `
import { renderToString } from 'react-dom/server'
import Page from './page'
Page().then((element) => { render({ html: renderToString(element), props: element.props }) })`, resolveDir: process.cwd() },
      plugins: [files(beside)],
      platform: 'node'
    })
    const { html: rendered, props } = await new Promise<{ html: string, props: object }>((resolve) => {
      const run = runInThisContext(`(require, render) => {${server}\n}`) as (require: NodeJS.Require, render: typeof resolve) => void
      run(createRequire(import.meta.url), resolve)
    })
    t.equal(rendered, '<strong>2</strong>')
    t.equal(app.channels.subscriberCount('prices'), 0, 'nothing was connected')
    await publish(app, 'prices', 3)

    const page = await open(t, app, await bundler.page({
      stdin: { contents: `
import { createElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import LivePrice from './live-price'
hydrateRoot(document.querySelector('main'), createElement(LivePrice, ${JSON.stringify(props)}), { onRecoverableError: (error) => { throw error } })`, resolveDir: process.cwd() },
      plugins: [files(beside)]
    }, `<main>${rendered}</main>`))
    await page.locator('strong', { hasText: '3' }).waitFor()
    await publish(app, 'prices', 4)
    await page.locator('strong', { hasText: '4' }).waitFor()
  })

  await t.test('Vue: a component shows what comes, and follows its channel', async (t) => {
    await assertFollows(t, await html(`
import { createApp, h, ref } from 'vue'
import Room from './room'
const channel = ref('room1')
const app = createApp({ render: () => h(Room, { channel: channel.value }) })
app.mount(document.querySelector('main'))
window.go = (name) => { channel.value = name }
window.end = () => { app.unmount() }`, { './room': { contents: COMPONENT, loader: 'ts' }, './use-channel': { contents: COMPOSABLE, loader: 'ts' } }), 'room1', (text) => text, 'room2')
  })

  await t.test('Vue: nothing is connected where a server renders', async (t) => {
    const text = await bundler.bundle({
      stdin: { contents: `
import { createSSRApp, h } from 'vue'
import { renderToString } from '@vue/server-renderer'
import Room from './room'
renderToString(createSSRApp({ render: () => h(Room, { channel: 'no name' }) })).then(render, render)`, resolveDir: process.cwd() },
      plugins: [files({ './room': { contents: COMPONENT, loader: 'ts' }, './use-channel': { contents: COMPOSABLE, loader: 'ts' } })],
      platform: 'node'
    })
    const rendered = await new Promise((resolve) => {
      const run = runInThisContext(`(require, render) => {${text}\n}`) as (require: NodeJS.Require, render: typeof resolve) => void
      run(createRequire(import.meta.url), resolve)
    })
    t.equal(rendered, '<ul aria-busy="true"></ul>')
  })

  await t.test('Svelte: a component shows what comes, and follows its channel', async (t) => {
    const { js, warnings } = compile(SVELTE, { generate: 'client' })
    t.strictSame(warnings, [])
    const { js: parent } = compile('<script>import Room from \'./room\'; let channel = $state(\'room1\'); window.go = (name) => { channel = name }</script><Room {channel} />', { generate: 'client' })
    await assertFollows(t, await html(`
import { mount, unmount } from 'svelte'
import Parent from './parent'
const parent = mount(Parent, { target: document.querySelector('main') })
window.end = () => { unmount(parent) }`, { './room': { contents: js.code, loader: 'js' }, './parent': { contents: parent.code, loader: 'js' } }), 'room1', (text) => text, 'room2')
  })
})
