import t from 'tap'
import type { ReceiptReport } from '../../src/brokers/broker.js'
import { ReceiptWait } from '../../src/channels/receipt-wait.js'

function report (counted: number, unable: number, open: number, latenciesMs: number[] = []): ReceiptReport {
  return { counted, unable, open, elapsedMs: 0, latenciesMs }
}

/** Whether a wait has ended. */
async function ended (wait: ReceiptWait): Promise<boolean> {
  return await Promise.race([wait.ended.then(() => true), new Promise<boolean>((resolve) => { setImmediate(() => { resolve(false) }) })])
}

t.test('ReceiptWait', async (t) => {
  t.test('ends when all instances have reported and nothing is open, and adds up', async (t) => {
    const wait = new ReceiptWait(30_000)
    wait.report('b', report(1, 0, 1), 10)
    wait.expect('a', 3)
    wait.expect('b', 5)
    wait.settleWith()
    t.equal(await ended(wait), false, 'one has yet to report')
    wait.report('a', report(3, 2, 0, [1, 3]), 0)
    t.equal(await ended(wait), false, 'one may still be acknowledged')
    wait.report('b', report(1, 0, 0, [2]), 5)
    t.equal(await ended(wait), true)
    t.strictSame(wait.counts, { received: 3, silent: 1, unable: 2, latencyMs: { p50: 3, max: 7 } })
  })

  t.test('has the subscribers of an instance that does not report for silent ones', async (t) => {
    const wait = new ReceiptWait(5)
    wait.expect('a', 1)
    wait.expect('b', 4)
    wait.settleWith(2)
    wait.report('a', report(1, 0, 0, [1]), 0)
    await wait.ended
    t.match(wait.counts, { received: 1, silent: 4, unable: 0 })
  })

  t.test('does not wait for a known instance that was not reached, and waits for an unknown one that was', async (t) => {
    const wait = new ReceiptWait(30_000)
    wait.expect('a', 1)
    wait.expect('dead', 0)
    wait.settleWith(2)
    wait.report('a', report(1, 0, 0, [1]), 0)
    t.equal(await ended(wait), false)
    wait.report('new', report(0, 1, 0), 0)
    t.equal(await ended(wait), true)
    t.match(wait.counts, { received: 1, silent: 0, unable: 1 })
  })

  t.test('takes the report of an instance without the message only where it has no other', async (t) => {
    const wait = new ReceiptWait(30_000)
    wait.report('a', report(0, 0, 0), 0)
    wait.report('a', report(2, 0, 2), 0)
    wait.report('a', report(0, 0, 0), 0)
    wait.report('a', report(2, 0, 0, [1, 1, 1]), 0)
    wait.settleWith(1)
    t.equal(await ended(wait), true)
    t.match(wait.counts, { received: 2, silent: 0, unable: 0 }, 'and no more acknowledgements than subscribers')
  })

  t.test('ends without a result where there are more than 1,000 subscribers', async (t) => {
    const wait = new ReceiptWait(30_000)
    wait.report('a', report(600, 0, 600), 0)
    t.equal(await ended(wait), false)
    wait.report('b', report(400, 1, 400), 0)
    t.equal(await ended(wait), true)
    t.equal(wait.counts, undefined)
  })

  t.test('ends when it is cancelled, also before', async (t) => {
    const controller = new AbortController()
    const wait = new ReceiptWait(30_000, controller.signal)
    t.equal(await ended(wait), false)
    controller.abort()
    t.equal(await ended(wait), true)
    t.equal(await ended(new ReceiptWait(30_000, controller.signal)), true)
  })
})
