import t from 'tap'
import { Waiting } from '../../src/channels/waiting.js'
import type { Backlog } from '../../src/channels/replay.js'
import { FakeSubscriber } from './fake-subscriber.js'

const BACKLOG: Backlog = { since: 'now', announce: true }
/** The time after which the browser client gives up a new connection that is silent. */
const CLIENT_PATIENCE_MS = 10_000

t.test('Waiting', async (t) => {
  let tick: (() => void) | undefined
  let tickMs = 0
  t.intercept(globalThis, 'setInterval', { value: (step: () => void, ms: number) => { tick = step; tickMs = ms; return { unref: () => 'timer' } } })
  t.intercept(globalThis, 'clearInterval', { value: () => { tick = undefined } })

  const pass = (ms: number, each?: () => void): void => {
    for (let passed = 0; passed < ms; passed += tickMs) {
      tick?.()
      each?.()
    }
  }

  function begin (
    count: number
  ): { waiting: Waiting, subscribers: FakeSubscriber[], resumed: FakeSubscriber[], engine: { back: boolean } } {
    const resumed: FakeSubscriber[] = []
    const engine = { back: false }
    const waiting = new Waiting({ possible: () => engine.back, resume: (subscriber) => { resumed.push(subscriber as FakeSubscriber) } })
    const subscribers = Array.from({ length: count }, () => new FakeSubscriber())
    for (const subscriber of subscribers) waiting.add(subscriber, BACKLOG)
    return { waiting, subscribers, resumed, engine }
  }

  t.test('gives signs of life for as long as it takes, none at once, and never so late that a client gives up', async (t) => {
    const { subscribers: [subscriber = new FakeSubscriber()], resumed } = begin(1)
    pass(1_500)
    t.equal(subscriber.signals, 0)
    let silence = 1_500
    let heard = 0
    pass(60_000, () => {
      silence = subscriber.signals > heard ? 0 : silence + tickMs
      heard = subscriber.signals
      if (silence > CLIENT_PATIENCE_MS / 2) t.fail(`${silence} ms of silence`)
    })
    t.ok(heard >= 15)
    t.strictSame(resumed, [])
  })

  t.test('spreads the heartbeats of subscribers that came at once', async (t) => {
    const { subscribers } = begin(1_000)
    let most = 0
    let before = 0
    pass(30_000, () => {
      const signals = subscribers.reduce((sum, subscriber) => sum + subscriber.signals, 0)
      most = Math.max(most, signals - before)
      before = signals
    })
    t.ok(most <= 100, `${most} at once`)
  })

  t.test('tries each one again, once, when the engine is back, and signals until it is served', async (t) => {
    const { waiting, subscribers: [subscriber = new FakeSubscriber()], resumed, engine } = begin(1)
    pass(1_000)
    t.equal(waiting.has(subscriber), true)
    engine.back = true
    pass(5_000)
    t.strictSame(resumed, [subscriber])
    t.equal(waiting.has(subscriber), false)
    t.ok(subscriber.signals > 0, 'while it is tried')
    waiting.add(subscriber, BACKLOG)
    pass(100)
    t.equal(resumed.length, 2)
    waiting.delete(subscriber)
    t.equal(tick, undefined, 'nothing runs for nobody')
  })

  t.test('forgets a subscriber that leaves, and stops its timer with the last one', async (t) => {
    const { waiting, subscribers, resumed, engine } = begin(2)
    const [leaver, stayer] = subscribers as [FakeSubscriber, FakeSubscriber]
    waiting.delete(leaver)
    waiting.delete(leaver)
    engine.back = true
    pass(100)
    t.strictSame(resumed, [stayer])
    waiting.delete(stayer)
    t.equal(tick, undefined)
    waiting.add(leaver, BACKLOG)
    t.not(tick, undefined)
  })
})
