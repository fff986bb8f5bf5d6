import t from 'tap'
import { CoalescedReads } from '../../../../src/brokers/redis/log/coalesced-reads.js'
import { turn } from '../../../eventually.js'

t.test('CoalescedReads', async (t) => {
  /** Answers with the number of the read, when the test lets it. */
  function create (): { ask: (question?: string) => Promise<number>, answer: (fail?: boolean) => Promise<void>, count: () => number } {
    const reads = new CoalescedReads<number>()
    const waiting: ((fail: boolean) => void)[] = []
    let count = 0
    return {
      ask: (question = 'q') => reads.ask(question, async () => {
        const number = ++count
        await new Promise<void>((resolve, reject) => { waiting.push((fail) => { if (fail) reject(new Error('cut')); else resolve() }) })
        return number
      }),
      answer: async (fail = false) => { waiting.shift()?.(fail); await turn() },
      count: () => count
    }
  }

  t.test('serves all calls of the same turn by one read', async (t) => {
    const { ask, answer, count } = create()
    const asked = Promise.all([ask(), ask(), ask()])
    await answer()
    t.strictSame(await asked, [1, 1, 1])
    t.equal(count(), 1)
  })

  t.test('serves all calls during a read by the one after it', async (t) => {
    const { ask, answer, count } = create()
    const first = ask()
    await turn()
    const later = Promise.all([ask(), ask()])
    await turn()
    t.equal(count(), 1)
    await answer()
    t.equal(await first, 1)
    await answer()
    t.strictSame(await later, [2, 2])
    const last = ask()
    await answer()
    t.equal(await last, 3)
  })

  t.test('serves waiting calls also after a failed read', async (t) => {
    const { ask, answer } = create()
    const first = ask()
    await turn()
    const second = ask()
    await Promise.all([t.rejects(first, { message: 'cut' }), answer(true)])
    await answer()
    t.equal(await second, 2)
  })

  t.test('does not share a read between different positions', async (t) => {
    const { ask, answer } = create()
    const asked = Promise.all([ask('a'), ask('b')])
    await answer()
    await answer()
    t.strictSame(await asked, [1, 2])
  })
})
