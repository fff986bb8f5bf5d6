import t from 'tap'
import { LongPollSubscriber } from '../../src/transports/long-poll.js'

function envelopes (...offsets: number[]): { id: string, text: string }[] {
  return offsets.map((offset) => ({ id: `e:${offset}`, text: String(offset) }))
}

t.test('LongPollSubscriber', async (t) => {
  t.test('is done with the first messages, up to its limit, and takes none afterwards', async (t) => {
    const subscriber = new LongPollSubscriber(60_000, 3)
    t.ok(subscriber.announce({ channel: 'room', id: 'e:0' }))
    subscriber.encode(envelopes(1, 2))
    subscriber.write()
    t.notOk(subscriber.isOpen())
    // A replay may still be under way.
    subscriber.encode(envelopes(3, 4))
    subscriber.write()
    t.strictSame(await subscriber.result, { envelopes: envelopes(1, 2), id: 'e:2', reason: undefined })
  })

  t.test('is never slow', async (t) => {
    const subscriber = new LongPollSubscriber(60_000, 3)
    t.equal(subscriber.unsentBytes, 0)
    await subscriber.drained()
    subscriber.beat()
    subscriber.send()
    subscriber.signal()
    t.ok(subscriber.isOpen())
    subscriber.terminate()
  })

  t.test('has no position when it is ended before it was told one', async (t) => {
    for (const end of ['close', 'terminate'] as const) {
      const subscriber = new LongPollSubscriber(60_000, 3)
      subscriber[end]()
      t.strictSame(await subscriber.result, { envelopes: [], id: '', reason: undefined })
    }
  })
})
