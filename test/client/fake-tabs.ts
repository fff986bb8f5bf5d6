import { AsyncLocalStorage } from 'node:async_hooks'
import type { Test } from 'tap'
import { fakeDocument } from './fake-document.js'
import { connectToChannel, type Options } from '../../src/client/index.js'
import { type Add, connections } from '../../src/client/sharing.js'
import type * as tabsModule from '../../src/client/tabs.js'
import { FakeChannels } from './fake-channels.js'
import { FakeLocks } from './fake-locks.js'
import { FakePage, type FakeSocket } from './fake-page.js'
import { FakeServer } from './fake-server.js'

/** The tab whose code runs. */
const current = new AsyncLocalStorage<Tab>()

/** Milliseconds between two signs of life of the fake service. */
export const HEARTBEAT = 20_000

let copies = 0

/** A tab of a browser: what its code has begun goes on in it, later where it is frozen, and not at all where it has crashed. */
export class Tab {
  hidden = false
  frozen = false
  gone = false
  readonly told: unknown[][] = []
  readonly sockets: FakeSocket[] = []
  readonly events = new EventTarget()
  readonly #tasks: (() => void)[] = []
  readonly #disconnects = new Map<string, () => void>()
  readonly #release: (tab: Tab) => void

  /** @param add takes the subscriptions of this tab that are shared; `release` lets go of what a tab that is gone holds. */
  constructor (readonly add: Add, release: (tab: Tab) => void) {
    this.#release = release
  }

  /** Runs a task of the event loop. */
  run (task: () => void): void {
    if (this.gone) return
    if (this.frozen) this.#tasks.push(task)
    else current.run(this, task)
  }

  subscribe (channel: string, options: Options = {}): void {
    const tell = (...entry: unknown[]) => { this.told.push([...entry]) }
    this.run(() => {
      this.#disconnects.set(channel, connectToChannel(channel, (message) => { tell('message', message) }, {
        share: 'user',
        // One that is this tab's: tabs do not have functions in common.
        token: () => undefined,
        onOpen: () => { tell('open') },
        onClose: ({ code, reason, final }) => { tell('close', code, reason, final) },
        onError: (error) => { tell('error', String(error)) },
        onGap: ({ reason }) => { tell('gap', reason) },
        onState: (state) => { tell('state', state) },
        ...options
      }))
    })
  }

  leave (channel: string): void {
    this.run(() => { this.#disconnects.get(channel)?.() })
  }

  /** The callbacks since the last call of `take`, of the given kinds only; without any, all but the states. */
  take (...kinds: string[]): unknown[][] {
    return this.told.splice(0).filter(([kind]) => kinds.length ? kinds.includes(kind as string) : kind !== 'state')
  }

  messages (): unknown[] {
    return this.take('message').map(([, message]) => message)
  }

  fire (...types: string[]): void {
    for (const type of types) this.run(() => { this.events.dispatchEvent(new Event(type)) })
  }

  hide (): void {
    this.hidden = true
    this.fire('visibilitychange')
  }

  show (): void {
    this.hidden = false
    this.fire('visibilitychange')
  }

  /** Stands still; without having been told so, as in a debugger or where the whole process stops, where `told` is false. */
  freeze (told = true): void {
    if (told) this.fire('freeze')
    this.frozen = true
  }

  thaw (told = true): void {
    this.frozen = false
    for (const task of this.#tasks.splice(0)) this.run(task)
    if (told) this.fire('resume')
  }

  crash (): void {
    this.gone = true
    this.#release(this)
    for (const socket of this.sockets) socket.close()
  }

  close (): void {
    this.hidden = true
    this.fire('pagehide', 'visibilitychange')
    this.crash()
  }
}

/** A browser with tabs of one origin, and the service. */
export class FakeTabs {
  readonly page: FakePage
  readonly server: FakeServer
  readonly locks: FakeLocks
  readonly channels: FakeChannels
  readonly tabs: Tab[] = []
  /** The URLs of the requests over HTTP that were not aborted before. */
  readonly requests: string[] = []

  constructor (t: Test) {
    const page = this.page = new FakePage(t)
    this.server = new FakeServer(page)
    let seed = 1
    Object.defineProperty(page, 'random', { get: () => (seed = seed * 48271 % 2147483647) / 2147483647 })
    const later = globalThis.setTimeout
    const tab = (): Tab | undefined => current.getStore()
    const soon = (tab: unknown, task: () => void) => { later(() => { (tab as Tab).run(task) }, 1) }
    this.locks = new FakeLocks(soon, tab)
    this.channels = new FakeChannels(soon, tab)
    const { fetch, WebSocket } = globalThis
    const bound = <A>(listener: (argument: A) => void) => {
      const own = tab()
      return (argument: A) => { if (own) own.run(() => { listener(argument) }); else listener(argument) }
    }
    const globals = {
      navigator: { locks: this.locks },
      BroadcastChannel: this.channels.constructorOf(),
      addEventListener: (...args: Parameters<EventTarget['addEventListener']>) => { tab()?.events.addEventListener(...args) },
      setTimeout: (run: () => void, ms?: number) => later(bound(run), ms),
      fetch: (url: string, init: RequestInit) => {
        if (!init.signal?.aborted) this.requests.push(url)
        return new Promise((resolve, reject) => { fetch(url, init).then(bound(resolve), bound(reject)) })
      },
      WebSocket: function (url: string, protocols: string[]) {
        const end = new WebSocket(url, protocols)
        tab()?.sockets.push(page.socket)
        return new Proxy(end, {
          set: (target, name, listener: (event: unknown) => void) => Reflect.set(target, name, bound(listener)),
          get: (target, name) => Reflect.get(target, name) as unknown
        })
      }
    }
    for (const [name, value] of Object.entries(globals)) t.intercept(globalThis, name as 'fetch', { value: value as never, configurable: true, writable: true })
    Object.defineProperty(fakeDocument, 'hidden', { get: () => tab()?.hidden ?? false, configurable: true })
    const add: Add = (member, batch) => tab()?.add(member, batch) ?? false
    connections.add(add)
    t.teardown(() => {
      connections.delete(add)
      for (const each of this.tabs) each.crash()
      Object.defineProperty(fakeDocument, 'hidden', { value: false, configurable: true, writable: true })
    })
  }

  /** Opens tabs, each subscribed to `room` unless it says otherwise. */
  async open (count: number, subscribe: (tab: Tab, index: number) => void = (tab) => { tab.subscribe('room') }): Promise<Tab[]> {
    const opened: Tab[] = []
    for (let index = 0; index < count; index++) {
      // With groups of its own.
      const { tabs } = await import(`../../src/client/tabs.js?tab=${++copies}`) as typeof tabsModule
      const tab = new Tab(tabs, (gone) => {
        this.locks.release(gone)
        this.channels.release(gone)
      })
      this.tabs.push(tab)
      opened.push(tab)
      subscribe(tab, index)
      await this.page.pass(100)
    }
    return opened
  }

  /** Advances the time, with heartbeats of the service. */
  async pass (ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= HEARTBEAT) {
      await this.page.pass(Math.min(left, HEARTBEAT))
      this.server.beat()
    }
  }

  /** The tabs that have a connection. */
  get connected (): Tab[] {
    return this.tabs.filter(({ gone, sockets }) => !gone && sockets.some(({ dropped }) => !dropped))
  }
}
