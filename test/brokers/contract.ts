import type { Test } from 'tap'
import { type Broker, CLOSED_STATUS, type PublishOptions, READY_STATUS } from '../../src/brokers/broker.js'
import type { Retention } from '../../src/brokers/log.js'
import { rejection } from '../codes.js'
import { eventually, turn } from '../eventually.js'
import { range, type TestNode, untimed, untimedReplay } from './test-node.js'

/** Gives nodes that are one messenger; a broker that knows but one node gives that one. The end of the test closes them. */
export type CreateNodes = (t: Test, options?: Partial<Retention>) => Promise<[TestNode, TestNode]>

/** The obligations of every broker (`src/brokers/broker.ts`); with `changeTerm` also those of a broker whose server may change. */
export function testContract (t: Test, name: string, createNodes: CreateNodes, changeTerm?: () => Promise<unknown>): void {
  if (changeTerm !== undefined) testTerms(t, name, createNodes, changeTerm)
  t.test(`${name} as a broker: publishing`, async (t) => {
    t.test('MUST give each message of a channel the next offset of its log, regardless of its publisher', async (t) => {
      const [a, b] = await createNodes(t)
      t.match(await a.broker.publish('room', '1'), { offset: 1, subscribers: 0 })
      t.match(await b.broker.publish('room', '2'), { offset: 2 })
      t.match(await b.broker.publish('other', '3'), { offset: 1 })
      t.match(await a.broker.publish('room', '4'), { offset: 3 })
    })

    t.test('MUST number what many publish at once without a hole, in one order for all nodes', async (t) => {
      const [a, b] = await createNodes(t, { size: 1_000 })
      await a.join('room')
      if (b !== a) await b.join('room')
      const texts = range(1, 200).map(String)
      const [fromA, fromB] = await Promise.all([a, b].map(async ({ broker }, node) => await Promise.all(texts.map((text) => broker.publish('room', `"${node}-${text}"`)))))
      t.strictSame([...fromA ?? [], ...fromB ?? []].map(({ offset }) => offset).sort((x, y) => x - y), range(1, 400))
      await Promise.all([a.handed('room', 400), b.handed('room', 400)])
      t.strictSame(a.offsets('room'), range(1, 400))
      t.strictSame(b.delivered('room'), a.delivered('room'))
      for (const node of ['0', '1']) t.strictSame(a.messages('room').filter((text) => text.startsWith(`"${node}-`)), texts.map((text) => `"${node}-${text}"`), 'in the order of the calls')
      t.equal(a.delivered('room')[(fromA?.[0]?.offset ?? 0) - 1]?.message, '"0-1"', 'under the id that the publisher got')
    })

    t.test('MUST resolve only when the message can be read, on every node', async (t) => {
      const [a, b] = await createNodes(t)
      await a.join('room')
      if (b !== a) await b.join('room')
      for (const number of range(1, 50)) {
        const { epoch, offset } = await a.broker.publish('room', String(number))
        const replay = await b.broker.read('room', { epoch, offset: offset - 1 })
        const entries = [{ epoch, offset, message: String(number) }]
        t.strictSame(untimedReplay(replay), { epoch, after: offset - 1, head: offset, entries })
        t.match(await b.broker.read('room', 'now'), { epoch, head: offset, after: offset })
      }
    })

    t.test('MUST hand the message to every listening node, that of the publisher included, once', async (t) => {
      const [a, b] = await createNodes(t)
      await a.join('room')
      if (b !== a) await b.join('room')
      const { epoch } = await a.broker.publish('room', '"x"')
      await Promise.all([a.handed('room', 1), b.handed('room', 1)])
      await b.broker.publish('room', '"y"')
      await Promise.all([a.handed('room', 2), b.handed('room', 2)])
      for (const node of [a, b]) t.strictSame(untimed(node.delivered('room')), [{ epoch, offset: 1, message: '"x"' }, { epoch, offset: 2, message: '"y"' }])
    })

    t.test('MUST give each message its time, the same for every node and for every read', async (t) => {
      for (const size of [100, 0]) {
        const [a, b] = await createNodes(t, { size })
        await a.join('room')
        if (b !== a) await b.join('room')
        const before = Date.now()
        for (const node of [a, b]) for (const text of ['"x"', '{"time":1}', '[1,{"a":"b","time":12}]', '"a,\\"time\\":7"']) await node.broker.publish('room', text, {})
        const after = Date.now()
        await Promise.all([a.handed('room', 8), b.handed('room', 8)])
        const times = a.delivered('room').map(({ time = NaN }) => time)
        t.ok(times.every((time) => Number.isInteger(time) && time >= before && time <= after), `${times.join()} from ${before} to ${after}`)
        t.strictSame(b.delivered('room'), a.delivered('room'))
        t.strictSame(a.messages('room').slice(0, 4), ['"x"', '{"time":1}', '[1,{"a":"b","time":12}]', '"a,\\"time\\":7"'], 'a text that looks like a time stays part of the message')
        if (size > 0) for (const node of [a, b]) t.strictSame((await node.broker.read('room', 'earliest')).entries, a.delivered('room'))
      }
    })

    t.test('MUST NOT hand anything to a node that does not listen, or not any more', async (t) => {
      const [a] = await createNodes(t)
      await a.broker.publish('room', '1')
      await a.join('room')
      await a.broker.publish('room', '2')
      await a.handed('room', 1)
      a.leave('room')
      await a.broker.publish('room', '3')
      await a.join('other')
      await a.broker.publish('other', '4')
      await a.handed('other', 1)
      t.strictSame(a.messages('room'), ['2'])
    })

    t.test('MUST count the subscribers of the channel', async (t) => {
      const [a] = await createNodes(t)
      await a.join('room')
      await a.join('room')
      t.match(await a.broker.publish('room', '1'), { subscribers: 2 })
      t.equal(a.broker.count('room'), 2)
      t.equal(a.broker.count('nobody'), 0)
    })

    t.test('carries every text as it is: of any script, with separators in it, and large', async (t) => {
      const [a, b] = await createNodes(t)
      await b.join('room')
      const texts = ['"ä€😀\\u0000\\ud800"', '"a b:c {d} \\r\\n \u2028"', `"${'x€'.repeat(100_000)}"`, '{"__proto__":1}', '0', '-1.5e300', '[]', '"\u007f\u0001"']
      for (const text of texts) await a.broker.publish('room', text)
      await b.handed('room', texts.length)
      t.strictSame(b.messages('room'), texts)
      t.strictSame((await a.broker.read('room', 'earliest')).entries.map(({ message }) => message), texts)
    })

    t.test('takes every name that a channel may have', async (t) => {
      const [a, b] = await createNodes(t)
      for (const channel of ['__proto__', 'constructor', 'hasOwnProperty', 'a.b:c@d=e+f~g-h', '_', '0', 'x'.repeat(100)]) {
        await b.join(channel)
        t.match(await a.broker.publish(channel, '1'), { offset: 1 })
        await b.handed(channel, 1)
        t.match(await b.broker.read(channel, 'earliest'), { head: 1, entries: [{ message: '1' }] })
        b.leave(channel)
        t.equal(b.broker.count(channel), 0)
      }
    })
  })

  t.test(`${name} as a broker: reading`, async (t) => {
    t.test('begins with all that is kept, with what comes next, or after a position', async (t) => {
      const [{ broker }] = await createNodes(t)
      for (const text of ['1', '2', '3']) await broker.publish('room', text)
      const { epoch } = await broker.read('room', 'now')
      const entry = (offset: number): object => ({ epoch, offset, message: String(offset) })
      t.strictSame(untimedReplay(await broker.read('room', 'earliest')), { epoch, after: 0, head: 3, entries: [entry(1), entry(2), entry(3)] })
      t.strictSame(await broker.read('room', 'now'), { epoch, after: 3, head: 3, entries: [] })
      t.strictSame(untimedReplay(await broker.read('room', { epoch, offset: 1 })), { epoch, after: 1, head: 3, entries: [entry(2), entry(3)] })
      t.strictSame(await broker.read('room', { epoch, offset: 3 }), { epoch, after: 3, head: 3, entries: [] })
      t.strictSame(untimedReplay(await broker.read('room', { epoch, offset: 0 })), { epoch, after: 0, head: 3, entries: [entry(1), entry(2), entry(3)] })
    })

    t.test('gives at most as many messages as asked for; the next read goes on after them', async (t) => {
      const [{ broker }] = await createNodes(t)
      for (const number of range(1, 7)) await broker.publish('room', String(number))
      const { epoch } = await broker.read('room', 'now')
      t.match(await broker.read('room', 'earliest', 3), { after: 0, head: 7, entries: { length: 3 } })
      t.match(await broker.read('room', { epoch, offset: 3 }, 3), { after: 3, head: 7, entries: [{ offset: 4 }, { offset: 5 }, { offset: 6 }] })
      t.match(await broker.read('room', { epoch, offset: 6 }, 3), { after: 6, head: 7, entries: { length: 1 } })
      t.match(await broker.read('room', 'earliest', 0), { after: 0, head: 7, entries: { length: 0 } })
    })

    t.test('says "expired" when messages after the position are not kept any more, and gives all that are', async (t) => {
      const [{ broker }] = await createNodes(t, { size: 3 })
      for (const number of range(1, 5)) await broker.publish('room', String(number))
      const { epoch } = await broker.read('room', 'now')
      for (const offset of [0, 1]) t.match(await broker.read('room', { epoch, offset }), { reason: 'expired', after: 2, head: 5, entries: [{ offset: 3 }, { offset: 4 }, { offset: 5 }] })
      t.match(await broker.read('room', { epoch, offset: 0 }, 1), { reason: 'expired', after: 2, head: 5, entries: { length: 1 } })
      t.notMatch(await broker.read('room', { epoch, offset: 2 }), { reason: /./ })
    })

    t.test('says "epoch" for a position of another log, or one that this log never reached', async (t) => {
      const [{ broker }] = await createNodes(t)
      await broker.publish('room', '1')
      const { epoch } = await broker.read('room', 'now')
      for (const position of [{ epoch: 'other', offset: 0 }, { epoch: 'other', offset: 1 }, { epoch, offset: 2 }]) {
        t.match(await broker.read('room', position), { epoch, reason: 'epoch', after: 0, head: 1, entries: [{ message: '1' }] })
      }
    })

    t.test('knows the position of an unused channel: epoch and 0', async (t) => {
      const [{ broker }] = await createNodes(t)
      const replay = await broker.read('nobody', 'earliest')
      t.strictSame(replay, { epoch: replay.epoch, after: 0, head: 0, entries: [] })
      t.strictSame(await broker.read('nobody', { epoch: replay.epoch, offset: 0 }), replay)
      t.match(await broker.publish('nobody', '1'), { epoch: replay.epoch, offset: 1 })
      t.match(await broker.read('nobody', { epoch: replay.epoch, offset: 0 }), { after: 0, entries: { length: 1 }, reason: undefined })
    })

    t.test('gives simultaneous reads the same result, with all messages published before each of them', async (t) => {
      const [a, b] = await createNodes(t)
      const publishing = (async () => { for (const number of range(1, 100)) await a.broker.publish('room', String(number)) })()
      for (let head = 0; head < 100;) {
        const published = a.broker.publish('other', '1')
        const reads = await Promise.all(range(1, 20).map(() => b.broker.read('room', 'now')))
        t.equal(new Set(reads.map((read) => read.head)).size, 1)
        const next = reads[0]?.head ?? 0
        if (next < head) t.fail('a later read knows less')
        head = next
        await published
      }
      await publishing
    })
  })

  t.test(`${name} as a broker: retention`, async (t) => {
    t.test('keeps the last messages and counts all of them', async (t) => {
      const [{ broker }] = await createNodes(t, { size: 3 })
      for (const number of range(1, 10)) t.match(await broker.publish('room', String(number)), { offset: number })
      t.match(await broker.read('room', 'earliest'), { after: 7, head: 10, entries: [{ offset: 8 }, { offset: 9 }, { offset: 10 }] })
    })

    t.test('keeps none with size 0, delivers all, and detects a missed one', async (t) => {
      const [a, b] = await createNodes(t, { size: 0 })
      await b.join('room')
      for (const number of range(1, 3)) t.match(await a.broker.publish('room', String(number)), { offset: number })
      await b.handed('room', 3)
      t.strictSame(b.offsets('room'), [1, 2, 3])
      const { epoch } = await a.broker.read('room', 'now')
      t.match(await a.broker.read('room', 'earliest'), { after: 3, head: 3, entries: { length: 0 } })
      t.match(await a.broker.read('room', { epoch, offset: 2 }), { reason: 'expired', after: 3, head: 3, entries: { length: 0 } })
      t.notMatch(await a.broker.read('room', { epoch, offset: 3 }), { reason: /./ })
    })

    t.test('forgets messages after their time, old ones before young ones; the offset and the epoch stay', async (t) => {
      const [{ broker }] = await createNodes(t, { ttlMs: 1_500 })
      const { epoch } = await broker.publish('room', '1')
      await broker.publish('room', '2')
      const kept = async (): Promise<number[]> => (await broker.read('room', 'earliest')).entries.map(({ offset }) => offset)
      t.strictSame(await kept(), [1, 2])
      await eventually(async () => { await broker.publish('clock', '1'); return (await broker.read('clock', 'now')).head > 25 }, { message: 'half of the time' })
      await broker.publish('room', '3')
      await eventually(async () => { const [first] = await kept(); return first === undefined || first === 3 }, { message: 'only the young one is kept' })
      await eventually(async () => (await kept()).length === 0, { message: 'none is kept' })
      t.match(await broker.read('room', { epoch, offset: 2 }), { reason: 'expired', after: 3, head: 3 })
      t.match(await broker.publish('room', '4'), { epoch, offset: 4 })
      t.strictSame(await kept(), [4])
    })

    t.test('MUST NOT lose the position of a channel that a node listens to', async (t) => {
      const [a] = await createNodes(t, { ttlMs: 20, size: 2 })
      await a.join('room')
      const { epoch } = await a.broker.read('room', 'now')
      for (const number of range(1, 3)) t.match(await a.broker.publish('room', String(number)), { epoch, offset: number })
      await eventually(async () => (await a.broker.read('room', 'earliest')).entries.length === 0, { message: 'the messages expire' })
      t.match(await a.broker.publish('room', '4'), { epoch, offset: 4 })
      await a.handed('room', 4)
      t.strictSame(a.offsets('room'), [1, 2, 3, 4])
      t.strictSame(await a.told(), [])
    })

    t.test('keeps the position of an empty log while it is listened to', async (t) => {
      const [a, b] = await createNodes(t)
      await a.join('room')
      const { epoch } = await a.broker.read('room', 'now')
      t.equal((await b.broker.read('room', 'now')).epoch, epoch)
      await a.broker.publish('other', '1')
      t.match(await b.broker.read('room', { epoch, offset: 0 }), { epoch, head: 0, reason: undefined })
      t.match(await b.broker.publish('room', '1'), { epoch, offset: 1 })
    })
  })

  t.test(`${name} as a broker: listening`, async (t) => {
    t.test('says before it resolves which position the messages follow, and not again while that is so', async (t) => {
      const [a] = await createNodes(t)
      await a.publish('room', 1, 2)
      await a.join('room')
      const { epoch } = await a.broker.read('room', 'now')
      t.strictSame(a.moves, [{ channel: 'room', epoch, offset: 2 }])
      await a.publish('room', 3, 5)
      await a.handed('room', 3)
      t.equal(a.moves.length, 1)
    })

    t.test('delivers all that is appended after it resolved, whatever is published around it', async (t) => {
      const [a, b] = await createNodes(t)
      const stop = new AbortController()
      const publisher = (async () => {
        for (let number = 1; !stop.signal.aborted; number++) {
          await a.broker.publish('room', String(number))
          await turn()
        }
      })()
      for (let round = 0; round < 20; round++) {
        const before = b.delivered('room').length
        await b.join('room')
        const { head } = await b.broker.read('room', 'now')
        await eventually(() => (b.offsets('room').at(-1) ?? 0) > head + 3, { message: 'the next messages' })
        const offsets = b.offsets('room').slice(before)
        t.ok((offsets[0] ?? Infinity) <= head + 1, 'begins in time')
        t.strictSame(offsets, range(offsets[0] ?? 0, offsets.at(-1) ?? 0), 'has no hole and nothing twice')
        b.leave('room')
      }
      stop.abort()
      await publisher
    })

    t.test('settles the last leave and the next join in the order in which they were asked for', async (t) => {
      const [a, b] = await createNodes(t)
      for (let round = 1; round <= 20; round++) {
        // It may fail, since it is not repeated once the channel is left.
        const first = b.join('room').catch(() => {})
        b.leave('room')
        await b.join('room')
        await first
        const before = b.delivered('room').length
        await a.broker.publish('room', String(round))
        await b.handed('room', before + 1)
        b.leave('room')
      }
      t.strictSame(b.messages('room'), range(1, 20).map(String))
    })

    t.test('ends without having begun, and a second time, without harm', async (t) => {
      const [{ broker }] = await createNodes(t)
      broker.unlisten('room')
      await broker.listen('room')
      broker.unlisten('room')
      broker.unlisten('room')
      t.match(await broker.publish('room', '1'), { offset: 1 })
    })
  })

  t.test(`${name} as a broker: idempotency keys`, async (t) => {
    const publishing = async (broker: Broker, channel: string, text: string, idempotencyKey: string): Promise<object> =>
      await broker.publish(channel, text, { idempotencyKey } satisfies PublishOptions)

    t.test('publish once what is published twice, and answer with what was said the first time', async (t) => {
      const [a, b] = await createNodes(t)
      const first = await publishing(a.broker, 'room', '"x"', 'key 1')
      await b.join('room')
      t.strictSame(await publishing(b.broker, 'room', '"x"', 'key 1'), { ...first, subscribers: 0, duplicate: true })
      await publishing(b.broker, 'room', '"y"', 'key 2')
      await b.handed('room', 1)
      t.strictSame(b.offsets('room'), [2])
    })

    t.test('that race are one message under one id', async (t) => {
      const [a, b] = await createNodes(t)
      await a.join('room')
      const answers = await Promise.all(range(1, 40).map((number) => publishing(number % 2 === 0 ? a.broker : b.broker, 'room', '"x"', 'key')))
      t.equal(answers.filter((answer) => !('duplicate' in answer)).length, 1)
      for (const answer of answers) t.match(answer, { offset: 1 })
      await a.broker.publish('room', '"end"')
      await a.handed('room', 2)
      t.strictSame(a.messages('room'), ['"x"', '"end"'])
    })

    t.test('refuse another message and deliver nothing of it', async (t) => {
      const [a, b] = await createNodes(t)
      await publishing(a.broker, 'room', '"x"', 'key')
      t.equal(await rejection(publishing(b.broker, 'room', '"y"', 'key')), 'MSG_ERR_IDEMPOTENCY_CONFLICT')
      t.match(await a.broker.read('room', 'now'), { head: 1 })
    })

    t.test('belong to their channel', async (t) => {
      const [{ broker }] = await createNodes(t)
      await publishing(broker, 'a', '"x"', 'key')
      t.strictSame({ offset: 1, subscribers: 0, ...await publishing(broker, 'b', '"y"', 'key'), epoch: '' }, { epoch: '', offset: 1, subscribers: 0 })
      t.match(await publishing(broker, 'a', '"x"', '} :key{~'), { offset: 2, duplicate: undefined })
    })
  })

  t.test(`${name} as a broker: announcements`, async (t) => {
    t.test('MUST be handed to every instance, that of the announcer included', async (t) => {
      const [a, b] = await createNodes(t)
      await a.broker.announce('from a', Date.now() + 60_000)
      t.strictSame(a.announcements, ['from a'])
      await eventually(() => b.announcements.includes('from a'), { message: 'the other node' })
      await b.broker.announce('from b', Date.now() + 60_000)
      await eventually(() => a.announcements.length === 2 && b.announcements.length === 2, { message: 'both' })
    })
  })

  t.test(`${name} as a broker: closing`, async (t) => {
    t.test('MUST reject, not throw, what is published later, and deliver nothing of it', async (t) => {
      const [a] = await createNodes(t)
      await a.join('room')
      await a.broker.publish('room', '1')
      await a.handed('room', 1)
      await a.broker.close()
      await a.broker.close()
      t.strictSame([a.broker.ready, a.broker.status], [false, CLOSED_STATUS])
      t.equal(await rejection(a.broker.publish('room', '2')), 'MSG_ERR_CLOSED')
      t.strictSame(a.messages('room'), ['1'])
      a.leave('room')
    })

    t.test('is ready before, and was started', async (t) => {
      const [{ broker }] = await createNodes(t)
      await broker.started
      t.strictSame([broker.ready, broker.status], [true, READY_STATUS])
    })
  })
}

/** The answer of a broker that is unavailable for as long as it compares its logs with another term. */
async function answered<Answer> (ask: () => Promise<Answer>): Promise<Answer> {
  let answer: { value: Answer } | undefined
  await eventually(async () => {
    try {
      answer = { value: await ask() }
      return true
    } catch (error) {
      if ((error as { code?: string }).code !== 'MSG_ERR_ENGINE_UNAVAILABLE') throw error
      return false
    }
  })
  return (answer as unknown as { value: Answer }).value
}

function testTerms (t: Test, name: string, createNodes: CreateNodes, changeTerm: () => Promise<unknown>): void {
  t.test(`${name} as a broker: another term`, async (t) => {
    t.test('MUST NOT use an epoch and offset for two messages, and carries positions over of which nothing is lost', async (t) => {
      const [a, b] = await createNodes(t)
      await b.join('room')
      const before = await a.broker.publish('room', '1')
      await b.handed('room', 1)
      await changeTerm()
      const after = await answered(() => a.broker.publish('room', '2', { idempotencyKey: '2' }))
      t.not(after.epoch, before.epoch)
      t.equal(after.offset, 2)
      await b.handed('room', 2)
      t.match(b.moves, [{ offset: 0 }, { epoch: after.epoch, offset: 1 }])
      t.strictSame(await b.told(), [])
      for (const node of [a, b]) {
        t.strictSame(untimedReplay(await answered(() => node.broker.read('room', before))), { epoch: after.epoch, after: 1, head: 2, entries: [{ epoch: after.epoch, offset: 2, message: '2' }] })
        t.match(await answered(() => node.broker.read('room', { epoch: before.epoch, offset: 2 })), { reason: 'epoch', after: 1, head: 2 })
      }
    })

    t.test('MUST publish once under a key, also when the term changes between two attempts', async (t) => {
      const [a, b] = await createNodes(t)
      const first = await a.broker.publish('room', '1', { idempotencyKey: 'key' })
      await changeTerm()
      t.strictSame(await answered(() => b.broker.publish('room', '1', { idempotencyKey: 'key' })), { ...first, duplicate: true })
      t.match(await answered(() => b.broker.read('room', first)), { after: 1, head: 1, reason: undefined })
    })

    t.test('loses and repeats nothing for a listener while terms change under load', async (t) => {
      const [a, b] = await createNodes(t)
      await b.join('room')
      let acknowledged = 0
      for (let round = 0; round < 5; round++) {
        await Promise.all(range(1, 30).map(async (number) => {
          if (number === 15) await changeTerm()
          const text = `"${round}-${number}"`
          await answered(() => a.broker.publish('room', text, { idempotencyKey: text }))
          acknowledged++
        }))
      }
      await b.handed('room', acknowledged)
      t.strictSame(b.offsets('room'), range(1, acknowledged))
      t.equal(new Set(b.messages('room')).size, acknowledged)
      t.strictSame(await b.told(), [])
    })
  })
}
