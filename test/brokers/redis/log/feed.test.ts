import t from 'tap'
import { Feed } from '../../../../src/brokers/redis/log/feed.js'
import { Log } from '../../../../src/brokers/log.js'
import type { LogEntry, Replay, Since } from '../../../../src/brokers/broker.js'
import { turn } from '../../../eventually.js'
import { range } from '../../test-node.js'

const KEEP = { size: 100_000, ttlMs: Infinity }

/** A feed over a log of this process. Answers of the log wait until the test lets them arrive. */
class Bench {
  log = new Log('room', 'e')
  readonly delivered: LogEntry[] = []
  /** Where the feed began, and went on at another place. */
  readonly moves: string[] = []
  /** Delivers the notifications that are under way. */
  onBarrier: (() => void) | undefined
  lags = 0
  reads: Since[] = []
  readonly #answers: { arrive: () => void, fail: () => void }[] = []
  #held = false
  readonly feed = new Feed({
    read: (since, limit) => this.#read(since, limit),
    arrived: () => { this.onBarrier?.(); return Promise.resolve() },
    deliver: (entry) => { this.delivered.push(entry) },
    moved: ({ epoch, offset }) => { this.moves.push(`${epoch}:${offset}`) },
    onLag: () => { this.lags++ }
  })

  get offsets (): number[] {
    return this.delivered.map(({ offset }) => offset)
  }

  append (): LogEntry {
    return this.log.append('0', KEEP, 0)
  }

  /** From now on answers wait; each is what the log was when it was asked for. */
  hold (): void {
    this.#held = true
  }

  async arrive (): Promise<void> {
    this.#answers.shift()?.arrive()
    await turn()
  }

  async fail (): Promise<void> {
    this.#answers.shift()?.fail()
    await turn()
  }

  async #read (since: Since, limit: number): Promise<Replay> {
    this.reads.push(since)
    const replay = this.log.read(since, limit)
    if (this.#held) await new Promise<void>((resolve, reject) => { this.#answers.push({ arrive: resolve, fail: () => { reject(new Error('cut')) } }) })
    return replay
  }
}

async function started (): Promise<Bench> {
  const bench = new Bench()
  await bench.feed.catchUp()
  return bench
}

t.test('Feed', async (t) => {
  t.test('begins at the end of the log and hands on what comes next without reading', async (t) => {
    const bench = new Bench()
    bench.append()
    await bench.feed.catchUp()
    bench.feed.notify(bench.append())
    bench.feed.notify(bench.append())
    t.strictSame(bench.offsets, [2, 3])
    t.strictSame(bench.reads, ['now'])
  })

  t.test('passes by what it handed on already', async (t) => {
    const bench = await started()
    const first = bench.append()
    bench.feed.notify(first)
    bench.feed.notify(first)
    t.strictSame(bench.offsets, [1])
    t.equal(bench.reads.length, 1)
  })

  t.test('reads what a notification shows to be missing, before it', async (t) => {
    const bench = await started()
    bench.append()
    bench.append()
    bench.feed.notify(bench.append())
    await turn()
    t.strictSame(bench.offsets, [1, 2, 3])
  })

  t.test('takes notifications that come while it reads from where the read ended', async (t) => {
    const bench = await started()
    bench.hold()
    bench.append()
    bench.feed.notify(bench.append())
    const inTheRead = bench.delivered.length
    for (let count = 0; count < 3; count++) bench.feed.notify(bench.append())
    await bench.arrive()
    t.equal(inTheRead, 0)
    t.strictSame(bench.offsets, [1, 2, 3, 4, 5])
    t.equal(bench.reads.length, 2, 'no second read is needed')
  })

  t.test('reads again when a notification was missed while it read', async (t) => {
    const bench = await started()
    bench.hold()
    bench.append()
    bench.feed.notify(bench.append())
    bench.append()
    bench.feed.notify(bench.append())
    await bench.arrive()
    t.strictSame(bench.offsets, [1, 2])
    await bench.arrive()
    t.strictSame(bench.offsets, [1, 2, 3, 4])
  })

  t.test('reads again for a call during a read, whose result may be older than the call', async (t) => {
    const bench = await started()
    bench.hold()
    const first = bench.feed.catchUp()
    bench.append()
    let caughtUp = false
    const second = bench.feed.catchUp().then(() => { caughtUp = true })
    await bench.arrive()
    t.strictSame([bench.offsets, caughtUp], [[], false])
    await bench.arrive()
    await Promise.all([first, second])
    t.strictSame(bench.offsets, [1])
  })

  t.test('reads page by page', async (t) => {
    const bench = await started()
    for (let count = 0; count < 2_500; count++) bench.append()
    await bench.feed.catchUp()
    t.strictSame(bench.offsets, range(1, 2_500))
    t.equal(bench.reads.length, 4)
  })

  t.test('stays where it is when a read fails, also between two pages, and goes on from there', async (t) => {
    const bench = await started()
    for (let count = 0; count < 1_500; count++) bench.append()
    bench.hold()
    const failing = bench.feed.catchUp()
    await Promise.all([t.rejects(failing, { message: 'cut' }), bench.arrive().then(() => bench.fail())])
    t.equal(bench.feed.offset, 1_000)
    const catchingUp = bench.feed.catchUp()
    await bench.arrive()
    await catchingUp
    t.strictSame(bench.offsets, range(1, 1_500))
    t.equal(bench.lags, 0, 'the caller knows of it')
  })

  t.test('reports a lag when the read that a notification made necessary fails', async (t) => {
    const bench = await started()
    bench.hold()
    bench.append()
    bench.feed.notify(bench.append())
    await bench.fail()
    t.equal(bench.lags, 1)
    bench.feed.notify(bench.append())
    await bench.arrive()
    t.strictSame(bench.offsets, [1, 2, 3])
  })

  t.test('forgets what it heard during a read that failed: the next one has it', async (t) => {
    const bench = await started()
    bench.hold()
    bench.append()
    bench.feed.notify(bench.append())
    bench.feed.notify(bench.append())
    await bench.fail()
    const catchingUp = bench.feed.catchUp()
    await bench.arrive()
    await catchingUp
    t.strictSame(bench.offsets, [1, 2, 3])
  })

  t.test('bounds what it keeps while a read is under way', async (t) => {
    const bench = await started()
    bench.hold()
    bench.append()
    const catchingUp = bench.feed.catchUp()
    for (let count = 0; count < 1_001; count++) bench.feed.notify(bench.append())
    for (let answer = 0; answer < 3; answer++) await bench.arrive()
    await catchingUp
    t.strictSame(bench.offsets, range(1, 1_002))
  })

  t.test('says that messages are lost, and goes on at the end of the log that there is', async (t) => {
    const bench = await started()
    bench.feed.notify(bench.append())
    bench.log = new Log('room', 'f')
    bench.append()
    bench.feed.notify(bench.append())
    await turn()
    t.match(bench, { moves: ['e:0', 'f:2'], offsets: [1] })
    bench.feed.notify(bench.append())
    t.match(bench.delivered, [{ epoch: 'e', offset: 1 }, { epoch: 'f', offset: 3 }])
  })

  t.test('says that messages are lost when they are not kept any more', async (t) => {
    const bench = await started()
    bench.append()
    bench.append()
    bench.log.trim()
    bench.feed.notify(bench.append())
    await turn()
    t.match(bench, { moves: ['e:0', 'e:3'], offsets: [] })
    bench.feed.notify(bench.append())
    t.strictSame(bench.offsets, [4])
  })

  t.test('waits for what is on its way before it says that messages are lost, because they are not kept', async (t) => {
    const bench = await started()
    const onTheirWay = [bench.append(), bench.append(), bench.append()]
    while (bench.log.size > 0) bench.log.trim()
    bench.onBarrier = () => { for (const entry of onTheirWay.splice(0)) bench.feed.notify(entry) }
    await bench.feed.catchUp()
    t.match(bench, { moves: ['e:0'], offsets: [1, 2, 3] })
  })

  t.test('says that messages are lost when one of those on their way is missing', async (t) => {
    const bench = await started()
    const onTheirWay = [bench.append(), bench.append(), bench.append()]
    while (bench.log.size > 0) bench.log.trim()
    bench.onBarrier = () => { for (const offset of [0, 2]) bench.feed.notify(onTheirWay[offset] as LogEntry) }
    await bench.feed.catchUp()
    t.match(bench, { moves: ['e:0', 'e:3'], offsets: [1], feed: { offset: 3 } })
    bench.feed.notify(bench.append())
    t.strictSame(bench.offsets, [1, 4])
  })

  t.test('does not go back to a log that was given up when a notification of it comes late', async (t) => {
    const bench = await started()
    const late = bench.append()
    bench.log = new Log('room', 'f')
    await bench.feed.catchUp()
    bench.feed.notify(late)
    await turn()
    t.match(bench, { moves: ['e:0', 'f:0'], offsets: [], feed: { epoch: 'f', offset: 0 } })
  })

  t.test('goes on without a gap when the log goes on under another epoch', async (t) => {
    const bench = await started()
    bench.feed.notify(bench.append())
    const moves: string[] = []
    const feed = new Feed({
      read: (since) => Promise.resolve({ epoch: since === 'now' ? 'e' : 'f', after: 1, head: since === 'now' ? 1 : 2, entries: since === 'now' ? [] : [{ epoch: 'f', offset: 2, message: '2' }] }),
      arrived: () => Promise.resolve(),
      deliver: (entry) => { bench.delivered.push(entry) },
      moved: ({ epoch, offset }) => { moves.push(`${epoch}:${offset}`) },
      onLag: () => { t.fail('nothing failed') }
    })
    await feed.catchUp()
    await feed.catchUp()
    t.match(bench.delivered, [{ epoch: 'e', offset: 1 }, { epoch: 'f', offset: 2 }])
    t.strictSame(moves, ['e:1', 'f:1'])
  })
})
