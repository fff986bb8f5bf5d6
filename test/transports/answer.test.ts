import t from 'tap'
import { countOfAnswer } from '../../src/transports/answer.js'

const entries = (...mebibytes: number[]): { message: string }[] => mebibytes.map((size) => ({ message: 'x'.repeat(size * 1024 ** 2) }))

t.test('countOfAnswer', async (t) => {
  t.test('is the number of entries that fit in 16 MiB, and one at least', async (t) => {
    t.equal(countOfAnswer([]), 0)
    t.equal(countOfAnswer(entries(8, 8)), 2)
    t.equal(countOfAnswer(entries(8, 7, 2)), 2)
    t.equal(countOfAnswer(entries(17, 1)), 1)
  })
})
