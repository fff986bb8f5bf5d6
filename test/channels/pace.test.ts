import t from 'tap'
import { Pace } from '../../src/channels/pace.js'
import { turn } from '../eventually.js'

t.test('Pace', async (t) => {
  t.test('lets reads go on while little is read', async (t) => {
    const pace = new Pace()
    t.equal(pace.turn(), undefined)
    pace.charge(0)
    pace.charge(999)
    t.equal(pace.turn(), undefined)
  })

  t.test('resumes the reads that wait one a turn, in their order', async (t) => {
    const pace = new Pace()
    pace.charge(1_000)
    const resumed: number[] = []
    for (const reader of [1, 2, 3]) void pace.turn()?.then(() => { resumed.push(reader) })
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await turn()
      t.strictSame(resumed, expected)
    }
    t.equal(pace.turn(), undefined)
  })
})
