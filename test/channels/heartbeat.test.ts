import t from 'tap'
import { Heartbeat } from '../../src/channels/heartbeat.js'
import { FakeSubscriber } from './fake-subscriber.js'

const INTERVAL_MS = 25_000

/** The timers of this file: they tick when a test says so. */
class FakeTimer {
  unrefs = 0
  running = true

  constructor (readonly tick: () => void, readonly ms: number) {}

  unref (): this {
    this.unrefs++
    return this
  }
}

t.test('Heartbeat', async (t) => {
  const timers: FakeTimer[] = []
  const setFake = (tick: () => void, ms: number): FakeTimer => {
    const timer = new FakeTimer(tick, ms)
    timers.push(timer)
    return timer
  }
  t.intercept(globalThis, 'setInterval', { value: setFake })
  t.intercept(globalThis, 'clearInterval', { value: (timer: FakeTimer) => { timer.running = false } })

  /** A heartbeat with subscribers; `pass` lets so many intervals pass and calls `each` after every tick. */
  function begin (
    subscribers: FakeSubscriber[]
  ): { heartbeat: Heartbeat, timer: FakeTimer, pass: (intervals: number, each?: () => void) => void } {
    const heartbeat = new Heartbeat(INTERVAL_MS)
    for (const subscriber of subscribers) heartbeat.add(subscriber)
    const [timer] = timers.splice(0) as [FakeTimer]
    const pass = (intervals: number, each?: () => void): void => {
      for (let ms = 0; ms < intervals * INTERVAL_MS; ms += timer.ms) {
        timer.tick()
        each?.()
      }
    }
    return { heartbeat, timer, pass }
  }

  const crowd = (count: number): FakeSubscriber[] => Array.from({ length: count }, () => new FakeSubscriber())

  t.test('beats every subscriber once per interval, with one timer for all of them', async (t) => {
    const subscribers = crowd(100)
    const { pass } = begin(subscribers)
    for (let interval = 1; interval <= 3; interval++) {
      pass(1)
      for (const { beats } of subscribers) t.equal(beats, interval)
    }
    t.equal(timers.length, 0)
  })

  t.test('spreads the beats evenly over the interval', async (t) => {
    const subscribers = crowd(160)
    const { timer, pass } = begin(subscribers)
    let before = 0
    pass(1, () => {
      const beats = subscribers.reduce((sum, subscriber) => sum + subscriber.beats, 0)
      t.equal(beats - before, 160 / (INTERVAL_MS / timer.ms))
      before = beats
    })
    t.equal(before, 160)
  })

  t.test('leaves out deleted subscribers, also during a beat', async (t) => {
    const [stayer, leaver, quitter] = [new FakeSubscriber(), new FakeSubscriber(), new FakeSubscriber()]
    const { heartbeat, pass } = begin([stayer, leaver, quitter])
    heartbeat.delete(leaver)
    pass(3, () => { if (quitter.beats > 0) heartbeat.delete(quitter) })
    t.strictSame([stayer.beats, leaver.beats, quitter.beats], [3, 0, 1])
  })

  t.test('does not hold the process, and stops', async (t) => {
    const { heartbeat, timer } = begin([])
    t.match(timer, { unrefs: 1, running: true })
    heartbeat.stop()
    t.equal(timer.running, false)
  })
})
