import t from 'tap'
import type { LogEntry } from '../../../../src/brokers/broker.js'
import { Log } from '../../../../src/brokers/log.js'
import type { Link } from '../../../../src/brokers/redis/connection/link.js'
import type { Subscriptions } from '../../../../src/brokers/redis/connection/subscriptions.js'
import { TIMINGS } from '../../../../src/brokers/redis/connection/timings.js'
import { Feeds } from '../../../../src/brokers/redis/log/feeds.js'
import type { LogStore } from '../../../../src/brokers/redis/log/log-store.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import type { Position } from '../../../../src/wire/id.js'

const KEEP = { size: 100, ttlMs: Infinity }

/** Feeds over logs of this process. */
class Bench {
  readonly logs = new Map<string, Log>()
  readonly delivered: LogEntry[] = []
  readonly subscribed: string[] = []
  /** How often work became due. */
  due = 0
  onTouch = (channel: string): Promise<Position | undefined> => {
    const { epoch, head } = this.log(channel)
    return Promise.resolve({ epoch, offset: head })
  }

  onSubscribe = (): Promise<void> => Promise.resolve()
  readonly feeds = new Feeds({
    store: {
      read: (channel: string, ...query: Parameters<Log['read']>) => Promise.resolve(this.log(channel).read(...query)),
      touch: (channel: string) => this.onTouch(channel)
    } as unknown as LogStore,
    subscriptions: {
      subscribe: (channel: string) => { this.subscribed.push(channel); return this.onSubscribe() },
      unsubscribe: () => {}
    } as unknown as Subscriptions,
    link: { reconnect: () => {} } as unknown as Link,
    names: new Names('m:', 0),
    timings: TIMINGS,
    receiver: { deliver: (_channel, entry) => { this.delivered.push(entry) }, moved: () => {} },
    onDue: () => { this.due++ }
  })

  log (channel: string): Log {
    let log = this.logs.get(channel)
    if (log === undefined) this.logs.set(channel, log = new Log(channel, 'e'))
    return log
  }

  async begin (channel: string): Promise<void> {
    await this.feeds.begin(channel, this.feeds.add(channel))
  }
}

t.test('Feeds', async (t) => {
  t.test('do not repeat the subscription of a channel that is removed before it fails', async (t) => {
    const bench = new Bench()
    bench.onSubscribe = () => { bench.feeds.remove('room'); return Promise.reject(new Error('No sharded subscriber')) }
    await t.rejects(bench.begin('room'), { code: 'MSG_ERR_ENGINE_UNAVAILABLE' })
    t.strictSame(bench.subscribed, ['room'])
  })

  t.test('skip a channel that is removed during a pass', async (t) => {
    const bench = new Bench()
    for (const channel of ['stays', 'leaves']) await bench.begin(channel)
    bench.feeds.suspectAll()
    bench.subscribed.length = 0
    const pass = bench.feeds.catchUp()
    bench.feeds.remove('leaves')
    await pass
    t.strictSame(bench.subscribed, ['stays'])
  })

  t.test('find a message that was lost silently with an audit, and deliver it with the next pass', async (t) => {
    const bench = new Bench()
    await bench.begin('room')
    bench.log('room').append('1', KEEP, 0)
    await bench.feeds.audit()
    t.equal(bench.due, 1)
    await bench.feeds.catchUp()
    t.match(bench.delivered, [{ offset: 1 }])
    await bench.feeds.audit()
    t.equal(bench.due, 1, 'nothing is missing now')
  })

  t.test('suspect a channel whose audit fails, or whose log is gone', async (t) => {
    const bench = new Bench()
    await bench.begin('room')
    bench.onTouch = () => Promise.reject(new Error('cut'))
    await bench.feeds.audit()
    t.equal(bench.due, 1)
    bench.onTouch = () => Promise.resolve(undefined)
    await bench.feeds.audit()
    t.equal(bench.due, 2)
  })
})
