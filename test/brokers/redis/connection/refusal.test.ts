import t from 'tap'
import { refusalOf } from '../../../../src/brokers/redis/connection/refusal.js'

t.test('refusalOf', async (t) => {
  t.test('is what a promise is rejected with, and nothing for one that is not', async (t) => {
    const error = new Error('refused')
    t.equal(await refusalOf(Promise.reject(error)), error)
    t.equal(await refusalOf(Promise.resolve('an answer')), undefined)
  })
})
