import t from 'tap'
import { rejectionOf } from '../../../../src/brokers/redis/connection/refusal.js'

t.test('rejectionOf', async (t) => {
  t.test('is what a promise is rejected with, and nothing for one that is not', async (t) => {
    const error = new Error('refused')
    t.equal(await rejectionOf(Promise.reject(error)), error)
    t.equal(await rejectionOf(Promise.resolve('an answer')), undefined)
  })
})
