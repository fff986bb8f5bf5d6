import t from 'tap'
import { Leaving } from '../../../../src/brokers/redis/members/leaving.js'
import { eventually } from '../../../eventually.js'

t.test('Leaving', async (t) => {
  t.test('calls back for each member once its time is over, and for none that has returned', async (t) => {
    const due: string[] = []
    const leaving = new Leaving((channel, sub) => { due.push(`${channel} ${sub}`) })
    leaving.set('room', '7', 60_000)
    leaving.set('room', '8', 60_000)
    leaving.set('other', '7', 0)
    leaving.delete('room', '7')
    t.ok(leaving.has('room'), 'one of them is about to leave')
    leaving.set('room', '8', 0)
    await eventually(() => due.length === 2, { message: () => due.join() })
    t.strictSame(due.sort(), ['other 7', 'room 8'])
    t.strictSame(['room', 'other'].map((channel) => leaving.has(channel)), [false, false])
    leaving.delete('room', '9')
  })

  t.test('calls back for none that was cleared', async (t) => {
    const leaving = new Leaving(() => { t.fail('a call') })
    leaving.set('room', '7', 0)
    leaving.clear()
    t.notOk(leaving.has('room'))
    const after = performance.now() + 40
    await eventually(() => performance.now() > after, { message: 'the time in which it would call' })
  })
})
