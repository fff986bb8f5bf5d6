import type { Test } from 'tap'
import { connectToChannel, type Options } from '../../src/client/index.js'
import { FakePage } from './fake-page.js'
import { FakeServer } from './fake-server.js'

/** A page, its server, and what the callbacks of its subscriptions were told: `['a', 'message', 1]`. */
export class Site {
  readonly page: FakePage
  readonly server: FakeServer
  readonly told: unknown[][] = []
  readonly #all: (() => void)[] = []
  readonly #disconnects = new Map<string, () => void>()

  constructor (t: Test, readonly options: Options = {}) {
    this.page = new FakePage(t)
    this.server = new FakeServer(this.page)
    t.teardown(() => { for (const disconnect of this.#all) disconnect() })
  }

  subscribe (channel: string, options: Options = {}): void {
    const tell = (...entry: unknown[]) => { this.told.push([channel, ...entry]) }
    const disconnect = connectToChannel(channel, (message) => { tell('message', message) }, {
      onOpen: () => { tell('open') },
      onClose: ({ code, reason, final }) => { tell('close', code, reason, final) },
      onError: (error) => { tell('error', String(error)) },
      onGap: ({ reason }) => { tell('gap', reason) },
      ...this.options,
      ...options
    })
    this.#all.push(disconnect)
    this.#disconnects.set(channel, disconnect)
  }

  leave (channel: string): void {
    this.#disconnects.get(channel)?.()
  }

  /** The callbacks since the last call of `take`, of the given kinds only. */
  take (...kinds: string[]): unknown[][] {
    return this.told.splice(0).filter(([, kind]) => !kinds.length || kinds.includes(kind as string))
  }

  async open (...channels: string[]): Promise<this> {
    for (const channel of channels) this.subscribe(channel)
    await this.page.pass(10)
    return this
  }
}
