import t from 'tap'
import { Sampler } from '../../src/channels/probe.js'
import { FakeSubscriber } from './fake-subscriber.js'

/** A subscriber with pings. */
class Pinged extends FakeSubscriber {
  readonly answers: (() => void)[] = []

  override ping (onAnswer: () => void): Buffer {
    this.answers.push(onAnswer)
    return Buffer.from('ping')
  }
}

const BYTES = Buffer.from('messages ')

const DELIVERY = { epoch: 'e', before: 0, last: 2 }

class Bench {
  now = 0
  readonly seconds: number[] = []
  readonly sampler = new Sampler({ observe: (value) => { this.seconds.push(value) } }, () => this.now)
}

t.test('Sampler', async (t) => {
  t.test('samples at most 40 subscribers in any second', async (t) => {
    const bench = new Bench()
    const times: number[] = []
    for (; bench.now < 5_000; bench.now++) {
      while (bench.sampler.mayBegin(bench.now) && bench.sampler.room > 0) {
        bench.sampler.pay()
        times.push(bench.now)
      }
    }
    t.ok(times.length > 100)
    t.ok(times.every((time) => times.filter((other) => other >= time && other < time + 1_000).length <= 40))
  })
})

t.test('Probe', async (t) => {
  t.test('measures from the publish to the answer, whichever of the two answers comes first', async (t) => {
    for (const early of [true, false]) {
      const bench = new Bench()
      const probe = bench.sampler.begin(0)
      if (!early) probe.end({ epoch: 'e', offset: 1 })
      const subscriber = new Pinged()
      probe.sample(DELIVERY, 1)?.withPing(subscriber, BYTES)
      bench.now = 30
      subscriber.answers[0]?.()
      bench.now = 50
      probe.end({ epoch: 'e', offset: 1 })
      t.strictSame(bench.seconds, [0.03])
      t.ok(probe.isOver(DELIVERY))
    }
  })

  t.test('measures no other message than its own', async (t) => {
    for (const position of [{ epoch: 'e', offset: 3 }, { epoch: 'f', offset: 1 }, undefined]) {
      const bench = new Bench()
      const probe = bench.sampler.begin(0)
      const subscriber = new Pinged()
      probe.sample(DELIVERY, 1)?.withPing(subscriber, BYTES)
      t.notOk(probe.isOver(DELIVERY), 'as long as it is unknown')
      subscriber.answers[0]?.()
      probe.end(position)
      t.strictSame(bench.seconds, [])
      t.equal(probe.sample(DELIVERY, 1), undefined)
      t.equal(probe.isOver(DELIVERY), position?.offset !== 3)
    }
  })

  t.test('pings a share of many subscribers behind the messages, and none that is closed or cannot answer', async (t) => {
    const bench = new Bench()
    const sampling = bench.sampler.begin(0).sample(DELIVERY, 1_000)
    const subscribers = Array.from({ length: 1_000 }, () => new Pinged())
    for (const subscriber of subscribers) sampling?.withPing(subscriber, BYTES)
    t.equal(subscribers.filter(({ answers }) => answers.length > 0).length, 20)
    t.equal(bench.sampler.begin(0).sample(DELIVERY, 1), undefined, 'until more may be sampled')
    bench.now = 1_000
    const [closed, poll, busy, open] = [new Pinged(), new FakeSubscriber(), new Pinged(), new Pinged()]
    closed.open = false
    busy.ping = () => undefined as never
    const next = bench.sampler.begin(0).sample(DELIVERY, 4)
    const written = [closed, poll, busy, open].map((subscriber) => String(next?.withPing(subscriber, BYTES)))
    t.strictSame(written, ['messages ', 'messages ', 'messages ', 'messages ping'])
  })
})
