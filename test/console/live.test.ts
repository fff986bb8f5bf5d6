import t from 'tap'
import { fragmentOf, isChannel, namesIn, tailsOf } from '../../console/live/address.js'
import { Buffer } from '../../console/live/buffer.js'
import type { Entry, Message } from '../../console/live/entry.js'
import { filterOf } from '../../console/live/filter.js'
import { Meter } from '../../console/live/meter.js'

let number = 0

function message (fields: Partial<Message> = {}): Message {
  number++
  return { kind: 'message', channel: 'room', id: `e:${number}`, json: String(number), time: number, timed: true, from: undefined, ...fields }
}

t.test('a Buffer', async (t) => {
  t.test('keeps the last entries, and tells what had to go', async (t) => {
    const buffer = new Buffer(3)
    const entries = Array.from({ length: 5 }, () => message())
    const gone = entries.flatMap((entry) => buffer.add(entry))
    t.strictSame(gone, entries.slice(0, 2))
    t.strictSame(buffer.entries, entries.slice(2))
  })

  t.test('is bounded in size, also with long messages and notes', async (t) => {
    const buffer = new Buffer(1_000, 10_000)
    for (let count = 0; count < 10; count++) buffer.add(message({ json: 'x'.repeat(1_000) }))
    t.equal(buffer.entries.length, 4)
    const note: Entry = { kind: 'note', tone: 'warn', channel: 'room', text: 'x'.repeat(10_000), time: Infinity }
    buffer.add(note)
    t.strictSame(buffer.entries, [note], 'the last one stays, however long it is')
    buffer.clear()
    t.strictSame(buffer.entries, [])
    t.strictSame(buffer.add(message()), [])
  })

  t.test('puts the histories of several channels in the order of time, and each channel in its own', async (t) => {
    const buffer = new Buffer()
    for (const [channel, time] of [['a', 1], ['a', 5], ['a', 9], ['b', 3], ['b', 7], ['b', 6], ['a', 8]] as const) buffer.add(message({ channel, time }))
    t.strictSame(buffer.entries.map(({ channel, time }) => `${channel}${time}`), ['a1', 'b3', 'a5', 'b7', 'b6', 'a9', 'a8'])
  })
})

t.test('a filter', async (t) => {
  const entry = message({ channel: 'orders', id: 'e:42', json: '{"status":"Paid","n":12345678901234567890}', from: 'job' })

  t.test('wants every word somewhere, whatever its case', async (t) => {
    for (const text of ['', ' ', 'paid', 'PAID status', '12345678901234567890', 'orders e:42', 'job']) t.ok(filterOf(text)(entry), text)
    for (const text of ['unpaid', 'paid shipped', '43']) t.notOk(filterOf(text)(entry), text)
  })

  t.test('wants words after a minus sign nowhere; a minus sign alone is none', async (t) => {
    t.notOk(filterOf('-paid')(entry))
    t.ok(filterOf('-shipped paid -')(entry))
  })

  t.test('finds the characters of a string as well as their JSON', async (t) => {
    for (const text of ['né', '\\u00e9']) t.ok(filterOf(text)(message({ json: '"n\\u00e9"' })), text)
  })

  t.test('lets every note through', async (t) => {
    t.ok(filterOf('paid')({ kind: 'note', tone: 'warn', channel: 'orders', text: 'gap', time: 1 }))
  })
})

t.test('a Meter', async (t) => {
  t.test('gives the rate of the last seconds, without the history', async (t) => {
    const meter = new Meter(1_000)
    for (let count = 0; count < 100; count++) meter.count(1_001)
    t.equal(meter.rate(1_001), 0)
    for (let count = 0; count < 10; count++) meter.count(3_000 + count)
    t.equal(meter.rate(4_000), 2)
    t.equal(meter.rate(9_000), 0)
  })

  t.test('is bounded while the rate is not read', async (t) => {
    const meter = new Meter(0)
    for (let count = 0; count < 30_000; count++) meter.count(2_000)
    t.ok(meter.rate(2_000) <= 2_000)
  })
})

t.test('the address of the page', async (t) => {
  t.test('names tails of one channel and of several', async (t) => {
    for (const tails of [[['lobby']], [['a', 'b:7'], ['c']], [['a@b.c', 'x=1+2~3-4']]]) t.strictSame(tailsOf(fragmentOf(tails)), tails)
    t.strictSame(tailsOf('#orders'), [['orders']])
    t.strictSame(tailsOf('#chat%3A7'), [['chat:7']])
  })

  t.test('leaves out what is not a channel', async (t) => {
    for (const text of ['', '#', '#%', '#;', '#a b!', '#<script>', '#-x']) t.strictSame(tailsOf(text).flat().filter((name) => !isChannel(name)), [], text)
    t.strictSame(tailsOf('#a,,a;!;b'), [['a'], ['b']])
  })
})

t.test('isChannel', async (t) => {
  t.test('follows the rule for names; the suffix of a companion does not count', async (t) => {
    for (const name of ['a', '_', '0', 'a.b:c@d=e+f~g-h', 'x'.repeat(100), `${'x'.repeat(100)}~presence`]) t.ok(isChannel(name), name)
    for (const name of ['', '-a', '.a', 'a b', 'a/b', 'ä', 'a,b', 'x'.repeat(101), `${'x'.repeat(101)}~presence`, '~presence']) t.notOk(isChannel(name), name)
  })
})

t.test('namesIn', async (t) => {
  t.test('gives each name of a list once', async (t) => {
    t.strictSame(namesIn(' a, b  c,a,, '), ['a', 'b', 'c'])
  })
})
