import type { Test } from 'tap'
import './fake-document.js'
import { connectToChannel, type Options } from '../../src/client/index.js'

/** A WebSocket that goes nowhere: the test plays the server. */
export class FakeSocket {
  onmessage: ((event: { data: unknown }) => void) | undefined
  onclose: ((event: { code: number, reason: string }) => void) | undefined
  onerror: ((event: object) => void) | undefined
  dropped = false
  /** The frames that the client has sent. */
  readonly frames: unknown[] = []
  onframe: ((frame: Record<string, string>) => void) | undefined
  onend: (() => void) | undefined

  constructor (readonly url: string, readonly protocols: string[]) {}

  /** The client's end: its `send()` goes the other way. */
  get clientEnd (): object {
    return Object.defineProperties({}, {
      ...Object.fromEntries((['onmessage', 'onclose', 'onerror'] as const).map((name) => [name, { set: (listener: never) => { this[name] = listener } }])),
      close: { value: () => { this.close() } },
      send: {
        value: (text: string) => {
          const frame = JSON.parse(text) as Record<string, string>
          this.frames.push(frame)
          this.onframe?.(frame)
        }
      }
    })
  }

  close (): void {
    this.dropped = true
    this.onend?.()
  }

  /** Delivers a frame of the server; anything but a string is sent as JSON. */
  send (frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }

  subscribed (id: string, more: object = {}): void {
    this.send({ channel: 'room', event: 'subscribed', id, recovered: true, heartbeat: 20_000, ...more })
  }

  message (id: string, message: unknown = id): void {
    this.send({ channel: 'room', message, id })
  }

  end (code = 1006, reason = ''): void {
    this.onclose?.({ code, reason })
  }
}

interface Timer { at: number, run: () => void }

/** The part of a browser that the client uses, with a clock and a die that the test holds. */
export class FakePage {
  readonly sockets: FakeSocket[] = []
  readonly requests: string[] = []
  readonly logged: unknown[] = []
  readonly warned: unknown[] = []
  /** The calls of the callbacks, in order: `['open']`, `['message', 1, 'e:1']`, … */
  readonly told: unknown[][] = []
  readonly timers = new Set<Timer>()
  now = 1_700_000_000_000
  random = 0.5
  /** Ends the last of the subscriptions that `connect` has made. */
  disconnect: () => void = () => undefined
  /** Answers the requests over HTTP. */
  answer: (url: string, init: RequestInit) => Response | Promise<Response> = () => Promise.reject(new Error('refused'))
  /** Plays the server of a WebSocket. */
  accept: (socket: FakeSocket) => void = () => undefined
  /** Sends a heartbeat on a stream that a test has made. */
  beat: () => void = () => undefined
  readonly #events = new EventTarget()
  readonly #disconnects: (() => void)[] = []

  constructor (t: Test) {
    const { sockets, requests, timers } = this
    // Connections are shared, also with the next test.
    t.teardown(() => { for (const disconnect of this.#disconnects) disconnect() })
    const realClear = clearTimeout
    const now = () => this.now
    const accept = (socket: FakeSocket) => { this.accept(socket) }
    const globals = {
      location: new URL('https://page.example/app/index.html?q#top'),
      addEventListener: this.#events.addEventListener.bind(this.#events),
      WebSocket: function (url: string, protocols: string[]) {
        const socket = new FakeSocket(url, protocols)
        sockets.push(socket)
        accept(socket)
        return socket.clientEnd
      },
      fetch: (url: string, init: RequestInit) => {
        requests.push(url)
        return init.signal?.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve(this.answer(url, init))
      },
      setTimeout: (run: () => void, ms = 0) => {
        const timer = { at: this.now + (ms > 0 && ms < 2 ** 31 ? ms : 0), run }
        timers.add(timer)
        return timer
      },
      clearTimeout: (timer: unknown) => { if (!timers.delete(timer as Timer)) realClear(timer as NodeJS.Timeout) }
    }
    t.intercept(Date, 'now', { value: now })
    t.intercept(Math, 'random', { value: () => this.random })
    t.intercept(console, 'error', { value: (error: unknown) => { this.logged.push(error) } })
    t.intercept(console, 'warn', { value: (text: unknown) => { this.warned.push(text) } })
    for (const [name, value] of Object.entries(globals)) t.intercept(globalThis, name as 'fetch', { value, configurable: true, writable: true })
  }

  /** The connection made last. */
  get socket (): FakeSocket {
    const socket = this.sockets.at(-1)
    if (socket === undefined) throw new Error('no connection was made')
    return socket
  }

  /** Connects to `room` with callbacks that write down what they are told. */
  async connect (options: Options = {}): Promise<FakeSocket> {
    const told = (...entry: unknown[]) => { this.told.push(entry) }
    this.disconnect = connectToChannel('room', (message, { id }) => { told('message', message, id) }, {
      onOpen: () => { told('open') },
      onClose: ({ code, reason, final }) => { told('close', code, reason, final) },
      onError: (error) => { told('error', String(error)) },
      onGap: ({ reason }) => { told('gap', reason) },
      onState: (state) => { told('state', state) },
      ...options
    })
    this.#disconnects.push(this.disconnect)
    await this.pass(0)
    return this.socket
  }

  /** The callbacks since the last call of `take`, without the states. */
  take (): unknown[][] {
    return this.told.splice(0).filter(([kind]) => kind !== 'state')
  }

  states (): unknown[] {
    return this.told.splice(0).filter(([kind]) => kind === 'state').map(([, state]) => state)
  }

  /** Milliseconds until the next timer. */
  get next (): number {
    return Math.min(...[...this.timers].map(({ at }) => at)) - this.now
  }

  /** Advances the time; timers fire when they are due. */
  async pass (ms: number): Promise<void> {
    const until = this.now + ms
    for (;;) {
      await settle()
      const [timer] = [...this.timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (timer === undefined) break
      this.timers.delete(timer)
      this.now = Math.max(this.now, timer.at)
      timer.run()
    }
    this.now = until
  }

  /** The clock moves, timers do not; a negative time sets it back. */
  sleep (ms: number): void {
    this.now += ms
    for (const timer of this.timers) timer.at += ms
  }

  /** Fires an event; a `pageshow` is that of a page which has slept, unless it is not `persisted`. */
  async fire (type: string, persisted = true): Promise<void> {
    this.#events.dispatchEvent(Object.assign(new Event(type), type === 'pageshow' && { persisted }))
    await settle()
  }
}

/** Resolves after the promises that can settle have settled. */
export function settle (): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
