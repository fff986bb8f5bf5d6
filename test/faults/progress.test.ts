import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { whileProgressing } from '../../faults/progress.mjs'

t.test('What makes progress', async (t) => {
  t.test('may take longer than a stall', async (t) => {
    let polls = 0
    let end = (): void => {}
    const work = new Promise<void>((resolve) => { end = resolve })
    const progress = (): number => {
      if (++polls === 10) end()
      return polls
    }
    // Shorter than the time between two looks.
    t.equal(await whileProgressing(work, progress, 1), true)
    t.equal(polls, 10)
  })

  t.test('is given up where it makes none', async (t) => {
    t.equal(await whileProgressing(new Promise(() => {}), () => 7, 1), false)
  })

  t.test('fails as it does', async (t) => {
    await t.rejects(whileProgressing(Promise.reject(new Error('refused')), () => 0, 60_000), { message: 'refused' })
    const late = delay(50).then(() => { throw new Error('too late for anybody') })
    t.equal(await whileProgressing(late, () => 0, 1), false)
    await t.rejects(late)
  })
})
