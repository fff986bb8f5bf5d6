import t from 'tap'
import { parseReceiptReport, parseReceiptRequest, ReceiptMessages } from '../../../../src/brokers/redis/nodes/receipt-messages.js'

/** Instances that hear each other. */
function instances (names: readonly string[]): { messages: ReceiptMessages[], seen: unknown[][] } {
  const seen: unknown[][] = []
  const messages: ReceiptMessages[] = names.map((name) => new ReceiptMessages(name, {
    join: () => Promise.resolve(),
    send: async (text) => {
      t.ok(messages.every((one) => one.receive(text)))
      return messages.length - 1
    },
    others: (channel) => new Map([[channel, 1]]),
    onReceiptAsked: (...asked) => { seen.push([name, ...asked]) },
    onReceiptReported: (...reported) => { seen.push([name, ...reported]) }
  }))
  return { messages, seen }
}

const REPORT = { counted: 2, unable: 1, open: 0, elapsedMs: 1.234_5, latenciesMs: [0.5, 1.999_9] }

t.test('ReceiptMessages', async (t) => {
  t.test('ask all other instances, and tell the one that waits', async (t) => {
    const { messages: [a, b], seen } = instances(['a', 'b', 'c']) as { messages: [ReceiptMessages, ReceiptMessages], seen: unknown[][] }
    await a.open()
    t.equal(await a.ask('a.1.1000', 'room', { epoch: 'e', offset: 5 }), 2)
    t.strictSame(seen.splice(0), [['b', 'a.1.1000', 'room', { epoch: 'e', offset: 5 }], ['c', 'a.1.1000', 'room', { epoch: 'e', offset: 5 }]])
    b.report('a.1.1000', REPORT)
    t.match(seen, [['a', 'a.1.1000', 'b', { counted: 2, unable: 1, open: 0, elapsedMs: 1.23, latenciesMs: [0.5, 2] }]])
    t.strictSame(a.others('room'), new Map([['room', 1]]))
  })

  t.test('leave other texts to others, and ignore garbage', async (t) => {
    const { messages: [a], seen } = instances(['a']) as { messages: [ReceiptMessages], seen: unknown[][] }
    for (const text of ['', '{}', '{"from":"b","ask":"*"}', '{"witness":true}', '{"node":"b","number":1,"full":true,"counts":{}}']) t.equal(a.receive(text), false, text)
    for (const text of ['{"ask":"receipts",', '{"ask":"receipts","receipt":1}', '{"ask":"receipts","receipt":"b.1.1","channel":"a"}', '{"receipt":"', '{"receipt":"a.1.1"', '{"receipt":"a.1.1"}', '{"receipt":"b.1.1"}']) {
      t.equal(a.receive(text), true, text)
    }
    t.strictSame(seen, [])
    for (const field of ['counted', 'unable', 'open', 'elapsedMs', 'latenciesMs', 'instance', 'receipt']) {
      for (const value of [undefined, null, -1, {}, true]) t.equal(parseReceiptReport(JSON.stringify({ receipt: 'a.1.1', instance: 'b', ...REPORT, [field]: value })), undefined, field)
    }
    t.match(parseReceiptReport(JSON.stringify({ receipt: 'a.1.1', instance: 'b', ...REPORT, latenciesMs: [1, 'x', null, -1, 2] })), { latenciesMs: [1, 2] })
    for (const id of [undefined, 1, '', 'e', 'e:x']) t.equal(parseReceiptRequest(JSON.stringify({ receipt: 'a.1.1', channel: 'a', id })), undefined)
  })
})
