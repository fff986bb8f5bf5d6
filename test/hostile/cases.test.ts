import t from 'tap'
import { allCases } from './cases.js'

t.test('the hostile input', async (t) => {
  t.test('is 100,000 cases at least', async (t) => {
    t.ok(allCases() >= 100_000)
  })
})
