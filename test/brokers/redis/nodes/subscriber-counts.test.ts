import t, { type Test } from 'tap'
import { SubscriberCounts } from '../../../../src/brokers/redis/nodes/subscriber-counts.js'
import { eventually } from '../../../eventually.js'
import { startNode } from '../redis-node.js'
import { startProxy } from '../proxy.js'
import { startRedis } from '../redis-server.js'

const TIMINGS = { reportMs: 20, nodeTtlMs: 150 }

/** Nodes that hear each other, and what the test keeps from them. */
class Air {
  readonly nodes: Member[] = []
  sent = 0
  /** Texts that nobody gets. */
  swallow: (text: string) => boolean = () => false

  send (text: string): void {
    this.sent++
    if (!this.swallow(text)) for (const { reports } of this.nodes) reports.receive(text)
  }
}

class Member {
  readonly counts = new Map<string, number>()
  readonly reports: SubscriberCounts
  reachable = true
  /** The arguments of `spared`: whether an earlier silence was that of the node itself. */
  readonly spared: boolean[] = []

  constructor (t: Test, air: Air, name: string, timings = TIMINGS, hasClaims = false) {
    this.reports = new SubscriberCounts(name, {
      timings,
      count: (channel) => this.counts.get(channel) ?? 0,
      occupied: () => this.counts.keys(),
      claims: hasClaims ? { claimant: undefined, heard: () => {}, spared: (suspended) => { this.spared.push(suspended) } } : undefined,
      send: (text) => {
        if (this.reachable) air.send(text)
        return this.reachable
      }
    })
    air.nodes.push(this)
    t.teardown(() => { this.reports.stop() })
    this.reports.connected()
  }

  set (channel: string, count: number): void {
    if (count === 0) this.counts.delete(channel)
    else this.counts.set(channel, count)
    this.reports.changed(channel)
  }
}

t.test('SubscriberCounts', async (t) => {
  t.test('keeps no count of a last report, whatever that says', async (t) => {
    const a = new Member(t, new Air(), 'a')
    for (let round = 0; round < 2; round++) a.reports.receive('{"node":"x","number":1,"full":false,"counts":{"room":5},"leaves":true}')
    t.equal(a.reports.total('room'), 0)
    t.strictSame([...a.reports.channels()], [])
  })

  t.test('adds up the subscribers of all nodes', async (t) => {
    const air = new Air()
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Member(t, air, name)) as [Member, Member, Member]
    a.set('room', 1)
    b.set('room', 2)
    c.set('__proto__', 4)
    await eventually(() => [a, b, c].every(({ reports }) => reports.total('room') === 3 && reports.total('__proto__') === 4), { message: 'all counts' })
    b.set('room', 0)
    await eventually(() => [a, b, c].every(({ reports }) => reports.total('room') === 1), { message: 'all counts' })
    t.equal(a.reports.total('constructor'), 0)
  })

  t.test('tells a node that comes what the others have, before it changes', async (t) => {
    const air = new Air()
    const a = new Member(t, air, 'a')
    a.set('room', 3)
    const b = new Member(t, air, 'b')
    await eventually(() => b.reports.total('room') === 3, { message: 'three' })
  })

  t.test('answers many simultaneous requests with one report', async (t) => {
    const air = new Air()
    const [a] = ['a', 'b', 'c', 'd', 'e'].map((name) => new Member(t, air, name)) as [Member]
    a.set('room', 1)
    await eventually(() => air.nodes.every(({ reports }) => reports.total('room') === 1), { message: 'all know' })
    let reports = 0
    air.swallow = (text) => { if (text.includes('"node":"a"') && text.includes('"full":true')) reports++; return false }
    for (const { reports } of air.nodes.slice(1)) reports.connected()
    await eventually(() => reports > 0, { message: 'a report' })
    t.ok(reports <= 2, String(reports))
  })

  t.test('asks for a full report when one was missed', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.set('stays', 1)
    await eventually(() => b.reports.total('stays') === 1, { message: 'known' })
    let swallowed = false
    air.swallow = (text) => {
      if (!text.includes('"missed":5')) return false
      const first = !swallowed
      swallowed = true
      return first
    }
    a.set('missed', 5)
    a.set('stays', 0)
    await eventually(() => swallowed, { message: 'swallowed' })
    await eventually(() => b.reports.total('missed') === 5 && b.reports.total('stays') === 0, { message: 'known all the same' })
  })

  t.test('keeps what changed for a report that could not be sent', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.reachable = false
    a.set('room', 1)
    const { sent } = air
    await eventually(() => air.sent > sent + 3, { message: 'time passes' })
    a.reachable = true
    await eventually(() => b.reports.total('room') === 1, { message: 'known' })
  })

  t.test('forgets a node that fell silent', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.set('room', 1)
    await eventually(() => b.reports.total('room') === 1, { message: 'known' })
    a.reachable = false
    await eventually(() => b.reports.total('room') === 0, { message: 'forgotten' })
    a.reachable = true
    await eventually(() => b.reports.total('room') === 1, { message: 'known again' })
  })

  t.test('does not count the silence of the others while it was suspended itself', async (t) => {
    const air = new Air()
    const [a, b, c] = [new Member(t, air, 'a'), new Member(t, air, 'b', TIMINGS, true), new Member(t, air, 'c')]
    a.set('room', 1)
    await eventually(() => [b, c].every(({ reports }) => reports.total('room') === 1), { message: 'known' })
    b.spared.length = 0
    // The process stands still, and nobody's timer runs.
    const until = performance.now() + 1.5 * TIMINGS.nodeTtlMs
    while (performance.now() < until);
    await eventually(() => b.spared.includes(true), { message: 'it knows of its suspension' })
    for (const { reports } of [b, c]) t.equal(reports.total('room'), 1)
  })

  t.test('forgets a node that says goodbye, at once', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.set('room', 1)
    await eventually(() => b.reports.total('room') === 1, { message: 'known' })
    a.reports.stop()
    t.equal(b.reports.total('room'), 0)
  })

  t.test('keeps the last known counts while the nodes cannot hear each other', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.set('room', 1)
    await eventually(() => b.reports.total('room') === 1, { message: 'known' })
    b.reports.disconnected()
    a.reachable = false
    const from = performance.now()
    await eventually(() => performance.now() - from > 2 * TIMINGS.nodeTtlMs, { message: 'longer than a node may be silent' })
    t.equal(b.reports.total('room'), 1)
    b.reports.connected()
    t.equal(b.reports.total('room'), 1, 'and gives them the time to be heard')
    await eventually(() => b.reports.total('room') === 0, { message: 'forgotten' })
  })

  t.test('does not take its own sleep for the silence of the others', async (t) => {
    const air = new Air()
    const [a, b] = ['a', 'b'].map((name) => new Member(t, air, name)) as [Member, Member]
    a.set('room', 1)
    await eventually(() => b.reports.total('room') === 1, { message: 'known' })
    const from = performance.now()
    // Stands still like a process that is stopped: nothing runs, then every timer is due at once.
    while (performance.now() - from < 2 * TIMINGS.nodeTtlMs);
    const until = performance.now() + 2 * TIMINGS.reportMs
    await eventually(() => { t.equal(b.reports.total('room'), 1); return performance.now() > until }, { message: 'a tick' })
  })

  t.test('ignores what is no report of an instance', async (t) => {
    const air = new Air()
    const a = new Member(t, air, 'a')
    a.reports.receive('not JSON')
    a.reports.receive('{"ask":"somebody else","from":"b"}')
    t.equal(a.reports.total('room'), 0)
  })
})

t.test('The subscriber counts of instances on Redis', async (t) => {
  const server = await startRedis(t)

  t.test('is known to every node within two reports', async (t) => {
    const [a, b] = [await startNode(t, { redis: server.url, keyPrefix: 'c1:' }), await startNode(t, { redis: server.url, keyPrefix: 'c1:' })]
    const stranger = await startNode(t, { redis: server.url, keyPrefix: 'c2:' })
    await a.join('room')
    await b.join('room')
    await b.join('room')
    await eventually(() => a.broker.count('room') === 3 && b.broker.count('room') === 3, { message: 'three' })
    t.match(await a.broker.publish('room', '1'), { subscribers: 3 })
    b.leave('room')
    await eventually(() => a.broker.count('room') === 2, { message: 'two' })
    t.equal(stranger.broker.count('room'), 0)
    await b.broker.close()
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
  })

  t.test('is known to a node that has no channel, not any more either', async (t) => {
    const [a, b] = [await startNode(t, { redis: server.url, keyPrefix: 'c5:' }), await startNode(t, { redis: server.url, keyPrefix: 'c5:' })]
    await b.join('room')
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
    await a.join('other')
    a.leave('other')
    await a.publish('room', 1)
    await b.join('room')
    await eventually(() => a.broker.count('room') === 2, { message: 'two' })
    const from = performance.now()
    await eventually(() => { if (a.broker.count('room') !== 2) t.fail('forgot'); return performance.now() - from > 1_000 }, { message: 'longer than a silent node is known' })
  })

  t.test('forgets a node that was cut off without a farewell', async (t) => {
    const proxy = await startProxy(t, server.socket)
    const a = await startNode(t, { redis: server.url, keyPrefix: 'c3:' })
    const b = await startNode(t, { redis: proxy.url, keyPrefix: 'c3:' })
    await b.join('room')
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
    proxy.deaf = true
    proxy.stall()
    await eventually(() => a.broker.count('room') === 0, { message: 'none' })
    t.equal(b.broker.count('room'), 1)
    proxy.deaf = false
    await eventually(() => a.broker.count('room') === 1, { message: 'one again' })
  })

  t.test('outlives an outage', async (t) => {
    const server = await startRedis(t)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    await b.join('room')
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
    await server.kill()
    await a.turned(false)
    t.equal(a.broker.count('room'), 1)
    await b.join('room')
    await server.start()
    await eventually(() => a.broker.count('room') === 2, { message: 'two' })
  })

  t.test('lives through what strangers write into its channel', async (t) => {
    const [a, b] = [await startNode(t, { redis: server.url, keyPrefix: 'c4:' }), await startNode(t, { redis: server.url, keyPrefix: 'c4:' })]
    await server.connect(t).publish('c4:census', 'not JSON')
    await b.join('room')
    await eventually(() => a.broker.count('room') === 1, { message: 'one' })
  })
})
