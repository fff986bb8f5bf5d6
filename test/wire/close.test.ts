import t from 'tap'
import { Close } from '../../src/wire/close.js'

t.test('Close', async (t) => {
  t.test('has the codes of the contract', async (t) => {
    t.strictSame(Close, { GOING_AWAY: 1001, POLICY: 1008, RESTART: 1012, TRY_AGAIN: 1013, UNAUTHORIZED: 4401, FORBIDDEN: 4403 })
  })
})
