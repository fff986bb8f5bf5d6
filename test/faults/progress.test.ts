import t from 'tap'
import { whileProgressing } from '../../faults/progress.mjs'

t.test('What makes progress', async (t) => {
  t.test('may take longer than a stall', async (t) => {
    let looks = 0
    // Shorter than the time between two looks.
    t.equal(await whileProgressing(() => looks === 10, () => ++looks, 1), true)
    t.equal(looks, 10)
  })

  t.test('is given up where it makes none', async (t) => {
    t.equal(await whileProgressing(() => false, () => 7, 1), false)
  })

  t.test('may be over without any', async (t) => {
    let looks = 0
    t.equal(await whileProgressing(() => ++looks === 2, () => 7, 1), true)
  })

  t.test('fails as a look at it does', async (t) => {
    await t.rejects(whileProgressing(() => { throw new Error('refused') }, () => 0, 60_000), { message: 'refused' })
  })
})
