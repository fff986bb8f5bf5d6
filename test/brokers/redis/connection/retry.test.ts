import t from 'tap'
import { retry } from '../../../../src/brokers/redis/connection/retry.js'

t.test('retry', async (t) => {
  // The delay keeps no process running.
  const running = setInterval(() => {}, 1_000)
  t.teardown(() => { clearInterval(running) })
  const failing = (times: number): { attempt: () => Promise<void>, made: () => number } => {
    let made = 0
    return {
      attempt: () => ++made > times ? Promise.resolve() : Promise.reject(new Error(`failure ${made}`)),
      made: () => made
    }
  }

  t.test('resolves when an attempt succeeds, and makes no other', async (t) => {
    const { attempt, made } = failing(2)
    await retry(attempt, { maxBackoffMs: 1, wanted: () => true })
    t.equal(made(), 3)
  })

  t.test('rejects at once like an attempt after which no other is wanted', async (t) => {
    const { attempt, made } = failing(2)
    await t.rejects(retry(attempt, { maxBackoffMs: 1, wanted: () => false }), { message: 'failure 1' })
    t.equal(made(), 1)
  })

  t.test('makes no attempt that is not wanted any more when its time has come', async (t) => {
    const { attempt, made } = failing(2)
    let asked = 0
    await t.rejects(retry(attempt, { maxBackoffMs: 1, wanted: () => ++asked === 1 }), { message: 'failure 1' })
    t.equal(made(), 1)
  })
})
