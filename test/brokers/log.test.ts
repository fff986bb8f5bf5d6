import t from 'tap'
import { Log } from '../../src/brokers/log.js'
import type { Replay } from '../../src/brokers/broker.js'

const FOREVER = { size: 100, ttlMs: Infinity }

function filled (count: number, retention = FOREVER): Log {
  const log = new Log('room', 'e')
  for (let offset = 1; offset <= count; offset++) log.append(String(offset), retention, offset, 1_000 * offset)
  return log
}

function offsets ({ entries }: Replay): number[] {
  return entries.map(({ offset }) => offset)
}

t.test('Log', async (t) => {
  t.test('numbers its messages 1, 2, 3', async (t) => {
    const log = new Log('room', 'e')
    t.equal(log.head, 0)
    t.strictSame(log.append('"a"', FOREVER, 0, 7), { epoch: 'e', offset: 1, message: '"a"', time: 7 })
    t.strictSame(log.append('"b"', FOREVER, 0, 5), { epoch: 'e', offset: 2, message: '"b"', time: 5 })
    t.equal(log.head, 2)
    t.strictSame(log.read('earliest', 10).entries.map(({ time }) => time), [7, 5], 'as they were appended: the wall clock may jump')
  })

  t.test('keeps the last messages, as many as it may', async (t) => {
    for (const size of [1, 2, 3, 10]) {
      const log = filled(1_000, { ...FOREVER, size })
      t.equal(log.size, size)
      const replay = log.read('earliest', Infinity)
      t.strictSame(replay.entries.map(({ message }) => Number(message)), offsets(replay))
      t.equal(offsets(replay)[0], 1_001 - size)
      t.equal(offsets(replay).at(-1), 1_000)
    }
  })

  t.test('counts without keeping anything when its size is 0', async (t) => {
    const log = filled(5, { ...FOREVER, size: 0 })
    t.match(log, { head: 5, size: 0, bytes: 0 })
    t.strictSame(log.read({ epoch: 'e', offset: 4 }, 10), { epoch: 'e', after: 5, head: 5, entries: [], reason: 'expired' })
    t.strictSame(log.read({ epoch: 'e', offset: 5 }, 10), { epoch: 'e', after: 5, head: 5, entries: [] })
  })

  t.test('expires the messages that are older than a time', async (t) => {
    const log = filled(10)
    log.expire(4)
    t.strictSame(offsets(log.read('earliest', Infinity)), [4, 5, 6, 7, 8, 9, 10])
    log.expire(100)
    t.match(log, { size: 0, bytes: 0, head: 10 })
  })

  t.test('expires old messages when one is appended', async (t) => {
    const log = filled(10, { size: 100, ttlMs: 3 })
    t.strictSame(offsets(log.read('earliest', Infinity)), [7, 8, 9, 10])
  })

  t.test('has nothing to trim while it is empty', async (t) => {
    const log = new Log('room', 'e')
    log.trim()
    log.append('1', FOREVER, 0)
    t.strictSame(offsets(log.read('earliest', Infinity)), [1])
  })

  t.test('counts the bytes of what it keeps, two a character beyond Latin-1, and ends at 0', async (t) => {
    const log = new Log('room', 'e')
    log.append('x'.repeat(1_000), FOREVER, 0)
    const narrow = log.bytes
    log.append('\u20ac'.repeat(1_000), FOREVER, 0)
    t.equal(log.bytes - narrow - narrow, 1_000)
    log.trim()
    t.equal(log.bytes, narrow + 1_000)
    log.trim()
    t.equal(log.bytes, 0)
    log.append('1', FOREVER, 0)
    log.clear()
    t.match(log, { size: 0, bytes: 0, head: 3 })
  })
})

t.test('Log.read', async (t) => {
  t.test('begins after a position', async (t) => {
    t.strictSame(filled(3).read({ epoch: 'e', offset: 1 }, Infinity), {
      epoch: 'e', after: 1, head: 3, entries: [{ epoch: 'e', offset: 2, message: '2', time: 2_000 }, { epoch: 'e', offset: 3, message: '3', time: 3_000 }]
    })
  })

  t.test('reads nothing from now on, and everything from the earliest on', async (t) => {
    t.strictSame(filled(3).read('now', Infinity), { epoch: 'e', after: 3, head: 3, entries: [] })
    t.match(filled(3).read('earliest', Infinity), { after: 0, head: 3, entries: { length: 3 } })
  })

  t.test('reads no more than its limit', async (t) => {
    const replay = filled(10).read({ epoch: 'e', offset: 2 }, 3)
    t.strictSame(offsets(replay), [3, 4, 5])
    t.match(replay, { after: 2, head: 10 })
  })

  t.test('knows a position just before the oldest message, and no earlier one', async (t) => {
    const log = filled(10, { ...FOREVER, size: 3 })
    t.strictSame(offsets(log.read({ epoch: 'e', offset: 7 }, Infinity)), [8, 9, 10])
    t.notOk('reason' in log.read({ epoch: 'e', offset: 7 }, Infinity))
    t.match(log.read({ epoch: 'e', offset: 6 }, Infinity), { after: 7, reason: 'expired', entries: { length: 3 } })
  })

  t.test('takes a position of another log, or one that was never reached, for a gap', async (t) => {
    t.match(filled(2).read({ epoch: 'other', offset: 2 }, Infinity), { after: 0, reason: 'epoch', entries: { length: 2 } })
    t.match(filled(2).read({ epoch: 'e', offset: 3 }, Infinity), { after: 0, reason: 'epoch', entries: { length: 2 } })
  })

  t.test('knows the position of an empty log', async (t) => {
    t.strictSame(filled(0).read({ epoch: 'e', offset: 0 }, Infinity), { epoch: 'e', after: 0, head: 0, entries: [] })
    t.strictSame(offsets(filled(2).read({ epoch: 'e', offset: 0 }, Infinity)), [1, 2])
  })
})
