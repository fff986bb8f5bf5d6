import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Position } from '../../../../src/wire/id.js'
import { range, type TestNode } from '../../test-node.js'
import { eventually } from '../../../eventually.js'
import { startNode, uniquePrefix } from '../redis-node.js'
import { startRedis } from '../redis-server.js'

const server = await startRedis(t, { args: ['--enable-debug-command', 'yes'] })

interface Bench {
  node: TestNode
  redis: Redis
  meta: string
  log: string
  /** Begins another term; `complete` says whether what was acknowledged is known to be there. */
  change: (complete?: boolean) => Promise<void>
  /** `[epoch, after, reason]` of a read after a position, which must give all messages after that. */
  read: (position: Position | 'earliest' | 'now') => Promise<[epoch: string, after: number, reason: string | undefined]>
  epoch: () => Promise<string>
}

async function createBench (t: Test, published = 5, options: { size?: number, ttlMs?: number } = {}): Promise<Bench> {
  const keyPrefix = uniquePrefix()
  // The tests decide when another term is noticed, and when a log is compared.
  const node = await startNode(t, { redis: server.url, keyPrefix, ...options, timings: { witnessMs: 1, barrierMs: 1, checkMs: 60_000 } })
  const redis = server.connect(t)
  const [meta, log] = [`${keyPrefix}{room}:meta`, `${keyPrefix}{room}:log`]
  if (published > 0) await node.publish('room', 1, published)
  return {
    node,
    redis,
    meta,
    log,
    change: async (complete = true) => {
      // An instance that nobody ever hears of again.
      if (!complete) await redis.hset(`${keyPrefix}instances`, 'i:missing', 'a - - 1')
      await redis.call('DEBUG', 'CHANGE-REPL-ID')
      await node.broker.read('other', 'now')
    },
    read: async (position) => {
      const { epoch, after, head, entries, reason } = await node.broker.read('room', position)
      t.strictSame(entries.map(({ offset }) => offset), range(after + 1, head))
      t.ok(entries.every((entry) => entry.epoch === epoch))
      return [epoch, after, reason]
    },
    epoch: async () => (await node.broker.read('room', 'now')).epoch
  }
}

t.test('A position of a log is, by row of the table', async (t) => {
  t.test('of the current epoch: as far as the log goes', async (t) => {
    const { read, epoch } = await createBench(t)
    const e = await epoch()
    t.strictSame(await read({ epoch: e, offset: 0 }), [e, 0, undefined])
    t.strictSame(await read({ epoch: e, offset: 3 }), [e, 3, undefined])
    t.strictSame(await read({ epoch: e, offset: 5 }), [e, 5, undefined])
    t.strictSame(await read({ epoch: e, offset: 6 }), [e, 0, 'epoch'], 'what was never there is a gap')
  })

  t.test('of an earlier epoch that is complete, within it: carried over without a gap', async (t) => {
    const { node, read, epoch, change } = await createBench(t)
    const first = await epoch()
    await change()
    const second = await epoch()
    t.not(second, first)
    for (const offset of [0, 3, 5]) t.strictSame(await read({ epoch: first, offset }), [second, offset, undefined])
    await node.publish('room', 6)
    t.strictSame(await read({ epoch: first, offset: 5 }), [second, 5, undefined])
    await change()
    const third = await epoch()
    for (const position of [{ epoch: first, offset: 2 }, { epoch: second, offset: 2 }, { epoch: second, offset: 6 }])
      t.strictSame(await read(position), [third, position.offset, undefined])
  })

  t.test('of an earlier epoch that is complete, beyond it: a gap from where it ended', async (t) => {
    const { node, read, epoch, change } = await createBench(t)
    const first = await epoch()
    await change()
    await node.publish('room', 6, 7)
    const second = await epoch()
    t.strictSame(await read({ epoch: first, offset: 6 }), [second, 5, 'epoch'])
    t.strictSame(await read({ epoch: first, offset: 99 }), [second, 5, 'epoch'])
  })

  t.test('of an earlier epoch that is not complete: a gap, behind what the reader has', async (t) => {
    const { node, read, epoch, change } = await createBench(t, 12)
    const first = await epoch()
    await change(false)
    await node.publish('room', 13)
    const second = await epoch()
    t.strictSame(await read({ epoch: first, offset: 3 }), [second, 3, 'epoch'])
    t.strictSame(await read({ epoch: first, offset: 12 }), [second, 12, 'epoch'])
    t.strictSame(await read({ epoch: first, offset: 99 }), [second, 12, 'epoch'])
    await change()
    const third = await epoch()
    t.strictSame(await read({ epoch: first, offset: 12 }), [third, 12, 'epoch'], 'for good')
    t.strictSame(await read({ epoch: second, offset: 13 }), [third, 13, undefined])
    await change(false)
    t.strictSame((await read({ epoch: first, offset: 99 })).slice(1), [12, 'epoch'], 'with the bound that it had')
    t.strictSame((await read({ epoch: second, offset: 13 })).slice(1), [13, 'epoch'], 'and all before it are lossy as well')
  })

  t.test('unknown and of a later generation: held for a while, then a gap from the end of the log at most', async (t) => {
    const { node, read, epoch, redis, meta } = await createBench(t)
    const e = await epoch()
    const from = performance.now()
    t.strictSame(await read({ epoch: 'zzzzzzz-later-0000', offset: 3 }), [e, 3, 'epoch'])
    t.ok(performance.now() - from > 1_000, 'it may be that of a server that is reached in a moment')
    t.strictSame(await read({ epoch: 'zzzzzzz-later-0000', offset: 99 }), [e, 5, 'epoch'])
    const reading = read({ epoch: 'zzzzzzz-reached-0000', offset: 5 })
    await redis.hset(meta, 'epoch', 'zzzzzzz-reached-0000')
    t.strictSame(await reading, ['zzzzzzz-reached-0000', 5, undefined])
    t.equal(node.broker.ready, true)
  })

  t.test('unknown and earlier, of a log that has a past: a gap from the end of the log at most', async (t) => {
    const { read, epoch, change } = await createBench(t)
    await change()
    const second = await epoch()
    t.strictSame(await read({ epoch: 'k-older-0000', offset: 3 }), [second, 3, 'epoch'])
    t.strictSame(await read({ epoch: 'k-older-0000', offset: 99 }), [second, 5, 'epoch'])
    t.strictSame(await read({ epoch: 'nonsense', offset: 99 }), [second, 5, 'epoch'])
  })

  t.test('unknown, of a log that began anew: a gap, and all that is kept', async (t) => {
    const { node, read, epoch, redis, meta } = await createBench(t)
    const first = await epoch()
    await redis.del(meta)
    await node.publish('room', 1, 2)
    const second = await epoch()
    t.not(second, first)
    for (const offset of [0, 1, 5]) t.strictSame(await read({ epoch: first, offset }), [second, 0, 'epoch'])
  })

  t.test('no more available where messages after it are not kept, whatever epoch it is of', async (t) => {
    const { node, read, epoch, change } = await createBench(t, 5, { size: 3 })
    const first = await epoch()
    t.strictSame(await read({ epoch: first, offset: 1 }), [first, 2, 'expired'])
    await change()
    const second = await epoch()
    t.strictSame(await read({ epoch: first, offset: 1 }), [second, 2, 'expired'])
    t.strictSame(await read({ epoch: first, offset: 2 }), [second, 2, undefined])
    await node.publish('room', 6, 9)
    t.strictSame(await read({ epoch: first, offset: 99 }), [second, 6, 'epoch'])
  })
})

t.test('The past of a log', async (t) => {
  t.test('contains the last sixteen epochs', async (t) => {
    const { read, epoch, change } = await createBench(t, 15)
    const epochs: string[] = []
    for (let number = 0; number < 18; number++) {
      epochs.push(await epoch())
      await change()
    }
    const current = await epoch()
    t.equal(new Set([...epochs, current]).size, 19)
    t.strictSame(await read({ epoch: epochs[2] ?? '', offset: 15 }), [current, 15, undefined])
    t.strictSame(await read({ epoch: epochs[1] ?? '', offset: 15 }), [current, 15, 'epoch'])
  })

  t.test('knows a duplicate under the id that it got, also in a later term', async (t) => {
    const { node, change, read } = await createBench(t, 0)
    const first = await node.broker.publish('room', '"x"', { idempotencyKey: 'k' })
    await change()
    const again = await node.broker.publish('room', '"x"', { idempotencyKey: 'k' })
    t.strictSame(again, { ...first, duplicate: true })
    t.match(await read({ epoch: first.epoch, offset: 1 }), [/./, 1, undefined])
  })

  t.test('makes each epoch a later one, whatever the clock says', async (t) => {
    const { node, redis, meta, change, epoch } = await createBench(t)
    await redis.hset(meta, 'epoch', 'zzzzzz-future-0000')
    await change()
    t.match(await epoch(), /^1000000-/)
    await node.publish('room', 6)
  })
})

t.test('A log that was written with a history of 0 and one of 100 at the same time', async (t) => {
  t.test('has no unannounced hole', async (t) => {
    const keyPrefix = uniquePrefix()
    const [relay, keeper] = [
      await startNode(t, { redis: server.url, keyPrefix, size: 0 }),
      await startNode(t, { redis: server.url, keyPrefix, size: 100 })
    ]
    const { epoch } = await keeper.broker.publish('room', '1')
    await relay.publish('room', 2)
    await keeper.publish('room', 3, 4)
    for (const node of [relay, keeper]) {
      t.match(await node.broker.read('room', { epoch, offset: 1 }), { reason: 'expired', after: 2, head: 4, entries: [{ offset: 3, message: '3' }, { offset: 4 }] })
      t.match(await node.broker.read('room', { epoch, offset: 2 }), { reason: undefined, after: 2, entries: [{ offset: 3 }, { offset: 4 }] })
      t.match(await node.broker.read('room', 'earliest'), { after: 2, entries: { length: 2 } })
    }
    await relay.publish('room', 5)
    t.match(await keeper.broker.read('room', 'earliest'), { after: 5, head: 5, entries: { length: 0 } })
  })
})

t.test('A log from which a message was taken out by hand', async (t) => {
  t.test('announces the gap to subscribers that would have received it', async (t) => {
    const { node, redis, log, epoch } = await createBench(t)
    const e = await epoch()
    const [id] = (await redis.xrange(log, '3', '3'))[0] ?? ['']
    await redis.xdel(log, id)
    const { entries } = await node.broker.read('room', { epoch: e, offset: 0 })
    t.strictSame(entries.map(({ offset }) => offset), [1, 2], 'up to the hole')
    t.match(await node.broker.read('room', { epoch: e, offset: 2 }), { reason: 'expired', after: 5, entries: { length: 0 } })
  })
})

t.test('A master to which the first replica attaches', async (t) => {
  t.test('is in another term from then on, and no gap is announced', async (t) => {
    const server = await startRedis(t, { tcp: true, args: ['--repl-diskless-sync-delay', '0'] })
    const redis = server.connect(t)
    const [a, b] = [await startNode(t, { redis: server.url }), await startNode(t, { redis: server.url })]
    await b.join('room')
    await a.publish('room', 1, 3)
    await b.handed('room', 3)
    const replid = async (): Promise<string | undefined> => /master_replid:(\w+)/.exec(await redis.info('replication'))?.[1]
    const before = await replid()
    await startRedis(t, { tcp: true, args: ['--replicaof', '127.0.0.1', String(server.port)] })
    await eventually(async () => (await redis.info('replication')).includes('state=online'), { message: 'a replica' })
    const changed = await replid() !== before
    await eventually(() => a.broker.publish('room', '4', { idempotencyKey: 'k' }).then(() => true, () => false), { message: 'published' })
    await b.handed('room', 4)
    const epochs = b.delivered('room').map(({ epoch }) => epoch)
    t.equal(epochs[3] !== epochs[2], changed, 'another term is another epoch')
    t.strictSame([b.offsets('room'), await b.told()], [[1, 2, 3, 4], []])
  })
})
