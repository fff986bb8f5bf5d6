import t from 'tap'
import { Lanes } from '../../../src/brokers/redis/lanes.js'

t.test('Lanes', async (t) => {
  t.test('lets so many take a step at the same time, and the others after them', async (t) => {
    const lanes = new Lanes(3)
    let inside = 0
    let most = 0
    const taken = await Promise.all(Array.from({ length: 20 }, (_, number) => lanes.take(async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => { setImmediate(resolve) })
      inside--
      return number
    })))
    t.strictSame(taken, Array.from({ length: 20 }, (_, number) => number))
    t.equal(most, 3)
  })

  t.test('goes on behind a step that fails', async (t) => {
    const lanes = new Lanes(1)
    const failed = lanes.take(() => Promise.reject(new Error('failed')))
    const next = lanes.take(() => Promise.resolve('next'))
    await t.rejects(failed, { message: 'failed' })
    t.equal(await next, 'next')
  })
})
