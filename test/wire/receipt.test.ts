import t from 'tap'
import { formatReference, parseReference } from '../../src/wire/receipt.js'

t.test('A reference of a wait', async (t) => {
  t.test('names the instance and its time', async (t) => {
    t.strictSame(parseReference(formatReference({ instance: 'aZ_-9', waitMs: 30_000 }, 123_456)), { instance: 'aZ_-9', waitMs: 30_000 })
    t.not(formatReference({ instance: 'a', waitMs: 1 }, 1), formatReference({ instance: 'a', waitMs: 1 }, 2))
  })

  t.test('is undefined for any other text', async (t) => {
    for (const text of ['', '.', 'a', 'a.1', 'a.1.', 'a.1.0', 'a.1.30001', 'a.1.99999', 'a.1.1.1', 'a b.1.1', 'a.A.1', '.1.1', `${'a'.repeat(65)}.1.1`, 'a.1.1\n']) {
      t.equal(parseReference(text), undefined, JSON.stringify(text))
    }
  })
})
