import { EventEmitter } from 'node:events'
import t, { type Test } from 'tap'
import type { WebSocket } from 'ws'
import { Refusals } from '../../src/transports/refuse-websocket.js'
import { ask, countConnections, startHost, startService } from '../helper.js'
import { subscribe } from '../sockets.js'
import { eventually } from '../eventually.js'

class FakeSocket extends EventEmitter {
  readonly calls: unknown[][] = []
  pause (): void { this.calls.push(['pause']) }
  resume (): void { this.calls.push(['resume']) }
  close (...args: unknown[]): void { this.calls.push(['close', ...args]) }
  terminate (): void { this.calls.push(['terminate']) }
}

const ERROR = { code: 'MSG_ERR_CHANNEL_INVALID', statusCode: 400 }

/** Refusals on a clock of the test, and the delays of those that are put off. */
function create (
  t: Test
): { refusals: Refusals, clock: { now: number }, delays: number[], run: () => void, refuse: (address: string) => FakeSocket } {
  const clock = { now: 0 }
  const delays: number[] = []
  const timers: (() => void)[] = []
  t.intercept(globalThis, 'setTimeout', { value: (run: () => void, delay: number) => { if (run.toString().includes('#end')) { timers.push(run); delays.push(delay) } return { unref () { return this } } } })
  t.intercept(globalThis, 'clearTimeout', { value: () => {} })
  const refusals = new Refusals(() => clock.now)
  const refuse = (address: string): FakeSocket => {
    const socket = new FakeSocket()
    refusals.refuse(socket as unknown as WebSocket, ERROR, address)
    return socket
  }
  return { refusals, clock, delays, refuse, run: () => { for (const run of timers.splice(0)) run() } }
}

t.test('Refusals', async (t) => {
  t.test('closes the first of an address at once, and those in a row later and later, 5 s at most', (t) => {
    const { delays, refuse, run } = create(t)
    t.strictSame(refuse('a').calls, [['close', 1008, 'MSG_ERR_CHANNEL_INVALID']])
    const later = refuse('a')
    t.strictSame(later.calls, [['pause']])
    for (let index = 0; index < 200; index++) refuse('a')
    t.strictSame(delays, [...delays].sort((one, other) => one - other))
    t.ok(new Set(delays).size > 50)
    t.equal(delays.at(-1), 5_000)
    run()
    t.strictSame(later.calls, [['pause'], ['resume'], ['close', 1008, 'MSG_ERR_CHANNEL_INVALID']])
    t.end()
  })

  t.test('begins anew for another address, after one that was admitted and after a while', (t) => {
    const { refusals, clock, delays, refuse } = create(t)
    for (const address of ['a', 'b']) refuse(address)
    refusals.admitted('a')
    refuse('a')
    clock.now += 60_001
    refuse('a')
    t.strictSame(delays, [])
    t.end()
  })

  t.test('closes those that wait when the app closes, and lets no more than 1,000 wait', (t) => {
    const { refusals, refuse } = create(t)
    const sockets = Array.from({ length: 1_003 }, () => refuse('a'))
    t.equal(sockets.filter(({ calls }) => calls[0]?.[0] === 'close').length, 3)
    refusals.close()
    t.equal(sockets.filter(({ calls }) => calls.at(-1)?.[0] === 'close').length, 1_003)
    t.end()
  })

  t.test('does not remember addresses without end', (t) => {
    const { clock, delays, refuse } = create(t)
    for (let index = 0; index < 10_000; index++) refuse(`a${index}`)
    refuse('b')
    t.strictSame(delays, [])
    refuse('b')
    t.equal(delays.length, 1)
    clock.now += 60_001
    for (let index = 0; index < 10_000; index++) refuse(`c${index}`)
    t.equal(delays.length, 1)
    t.end()
  })
})

t.test('a client that knows nothing of close codes and comes back at once', async (t) => {
  t.test('is slowed down, until it is admitted', async (t) => {
    const app = await startService(t)
    let attempts = 0
    for (const until = performance.now() + 1_000; performance.now() < until; attempts++) t.match(await (await subscribe(t, app, '/.invalid')).closed, { code: 1008 })
    t.ok(attempts < 10, `${attempts} connections in a second`)
    await subscribe(t, app, '/room')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    const before = performance.now()
    await (await subscribe(t, app, '/.invalid')).closed
    t.ok(performance.now() - before < 1_000)
  })

  t.test('holds up nothing when the app closes', async (t) => {
    const app = await startHost(t, { drainMs: 500 })
    for (let index = 0; index < 30; index++) await subscribe(t, app, '/.invalid')
    t.equal((await ask(app, '/-/live')).status, 200)
    await app.close()
    t.equal(await countConnections(app), 0)
  })
})
