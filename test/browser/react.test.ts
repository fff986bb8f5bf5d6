import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { publish, startService } from '../helper.js'
import { Bundler } from './bundle.js'
import { launch } from './chromium.js'
import type { RoomProps, RoomsWindow } from './react-page.js'
import { Site } from './site.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

/** A page in Chromium with rooms. */
class Rooms {
  /** The WebSockets that the page has made. */
  sockets = 0
  readonly errors: string[] = []

  private constructor (readonly page: Page, readonly app: FastifyInstance, readonly site: Site) {
    page.on('websocket', () => { this.sockets++ })
    page.on('console', (message) => { if (message.type() === 'error') this.errors.push(message.text()) })
    page.on('pageerror', (error) => { this.errors.push(String(error)) })
  }

  static async open (t: Test, html: string, page: Page): Promise<Rooms> {
    t.teardown(() => page.context().close())
    const app = await startService(t)
    const rooms = new Rooms(page, app, await Site.start(t, html, app))
    await page.goto(rooms.site.url)
    return rooms
  }

  /** Renders these rooms, and resolves once each has that state. */
  async show (list: RoomProps[], state: string): Promise<void> {
    await this.page.evaluate((list) => { (window as unknown as RoomsWindow).show(list) }, list)
    await this.reach(list.map(({ id }) => id), state)
  }

  async reach (ids: string[], state: string): Promise<void> {
    const has = ([ids, state]: readonly [string[], string]): boolean => {
      return ids.every((id) => document.getElementById(id)?.textContent === state)
    }
    await this.page.waitForFunction(has, [ids, state] as const)
  }

  /** Resolves with what a room was told of a kind, once that are `count`. */
  async told (id: string, kind: string, count: number): Promise<[version: number, content: unknown][]> {
    const isTold = ([id, kind, count]: readonly [string, string, number]): boolean => {
      return (window as unknown as RoomsWindow).told.filter((entry) => entry[0] === id && entry[2] === kind).length >= count
    }
    await this.page.waitForFunction(isTold, [id, kind, count] as const)
    return await this.toldSoFar(id, kind)
  }

  async toldSoFar (id: string, kind: string): Promise<[version: number, content: unknown][]> {
    const told = await this.page.evaluate(() => (window as unknown as RoomsWindow).told)
    return told.filter((entry) => entry[0] === id && entry[2] === kind).map(([, version,, content]) => [version, content])
  }

  async subscribers (channel: string, count: number): Promise<void> {
    await eventually(() => this.app.channels.subscriberCount(channel) === count, { message: `${count} subscribers of ${channel}` })
  }
}

t.test('useChannel in Chromium', async (t) => {
  const newContext = await launch(t)
  const html = await (await Bundler.create(t)).page({ entryPoints: ['test/browser/react-page.ts'] })
  const open = async (t: Test): Promise<Rooms> => await Rooms.open(t, html, await (await newContext()).newPage())

  await t.test('subscribes once in StrictMode, and is told each message once', async (t) => {
    const rooms = await open(t)
    await rooms.show([{ id: 'a', channel: 'room1' }], 'open')
    await rooms.subscribers('room1', 1)
    for (const message of [1, 2]) await publish(rooms.app, 'room1', message)
    t.strictSame(await rooms.told('a', 'message', 2), [[0, 1], [0, 2]])
    t.equal(rooms.sockets, 1)
    t.equal((await rooms.toldSoFar('a', 'open')).length, 1)
    t.strictSame(rooms.errors, [])
  })

  await t.test('calls the latest callbacks, and keeps the subscription when the component renders again', async (t) => {
    const rooms = await open(t)
    await rooms.show([{ id: 'a', channel: 'room1', token: 'inline' }], 'open')
    await publish(rooms.app, 'room1', 'first')
    await rooms.told('a', 'message', 1)
    for (const version of [1, 2, 3]) await rooms.show([{ id: 'a', channel: 'room1', token: 'inline', version }], 'open')
    await publish(rooms.app, 'room1', 'second')
    t.strictSame(await rooms.told('a', 'message', 2), [[0, 'first'], [3, 'second']])
    t.equal(rooms.sockets, 1)
    t.strictSame(await rooms.toldSoFar('a', 'token'), [[0, ['room1']]])

    rooms.site.cut()
    t.match((await rooms.told('a', 'token', 2)).at(-1), [3, ['room1']], 'the latest token function')
    t.match(await rooms.told('a', 'close', 1), [[3, [Number, false]]])
    await publish(rooms.app, 'room1', 'third')
    t.strictSame((await rooms.told('a', 'message', 3)).at(-1), [3, 'third'])
    t.strictSame(await rooms.toldSoFar('a', 'gap'), [])
  })

  await t.test('follows the channel, is idle without one, and ends with the component', async (t) => {
    const rooms = await open(t)
    await rooms.show([{ id: 'a', channel: null }], 'idle')
    t.equal(rooms.sockets, 0)
    await rooms.show([{ id: 'a', channel: 'room1' }], 'open')
    await publish(rooms.app, 'room1', 'of room1')
    await rooms.told('a', 'message', 1)
    await rooms.show([{ id: 'a', channel: 'room2' }], 'open')
    await rooms.subscribers('room1', 0)
    await rooms.subscribers('room2', 1)
    await publish(rooms.app, 'room1', 'unwanted')
    await publish(rooms.app, 'room2', 'of room2')
    t.strictSame(await rooms.told('a', 'message', 2), [[0, 'of room1'], [0, 'of room2']])
    await rooms.show([{ id: 'a', channel: null }], 'idle')
    await rooms.subscribers('room2', 0)
    await rooms.show([{ id: 'a', channel: 'room1', since: 'earliest' }], 'open')
    t.strictSame((await rooms.told('a', 'message', 4)).slice(2), [[0, 'of room1'], [0, 'unwanted']], 'it begins anew where since says')
    await rooms.show([], '')
    await rooms.subscribers('room1', 0)
    t.strictSame(rooms.errors, [])
  })

  await t.test('goes on after the last message where the subscription has to be another one', async (t) => {
    const rooms = await open(t)
    await publish(rooms.app, 'room1', 'before')
    await rooms.show([{ id: 'a', channel: 'room1', since: 'earliest', token: 'x.1' }], 'open')
    await rooms.told('a', 'message', 1)
    await rooms.show([{ id: 'a', channel: 'room1', since: 'earliest', token: 'x.2' }], 'open')
    await rooms.told('a', 'open', 2)
    await publish(rooms.app, 'room1', 'after')
    t.strictSame(await rooms.told('a', 'message', 2), [[0, 'before'], [0, 'after']])
  })

  await t.test('shares one connection between components, also with a token function', async (t) => {
    const rooms = await open(t)
    const list = ['a', 'b', 'c'].map((id) => ({ id, channel: id, token: 'shared' }))
    await rooms.show(list, 'open')
    await rooms.show([...list.map((props) => ({ ...props, version: 1 })), { id: 'd', channel: 'd', token: 'shared' }], 'open')
    for (const { id } of list) await publish(rooms.app, id, id)
    for (const { id } of list) t.strictSame(await rooms.told(id, 'message', 1), [[1, id]])
    t.equal(rooms.sockets, 1)
  })

  await t.test('is closed after a final close, and hands over a name that is none to the error boundary', async (t) => {
    const rooms = await open(t)
    await rooms.show([{ id: 'a', channel: 'favicon.ico' }], 'closed')
    t.strictSame(await rooms.told('a', 'close', 1), [[0, [1008, true]]])
    await rooms.show([{ id: 'b', channel: 'no name' }], 'TypeError: expected channel, callback, server')
    await rooms.show([{ id: 'c', channel: 'room1', server: 'http://[' }], 'TypeError: expected channel, callback, server')
  })
})
