import t from 'tap'
import { Oracle } from '../../faults/oracle.mjs'
import { remedyOf, Seat } from '../../faults/seat.mjs'
import { CHANNEL, kindsOf } from './judge.js'

interface Played { oracle: Oracle, seat: Seat }

/**
 * Plays a channel of a shared connection: `ask`, `leave` and `drop` are the subscriber's; an id is a message, `at <id>` an event
 * `subscribed`, `gap <reason> <id>` the same behind a gap, `unsubscribed` and `refused` the other events.
 */
function play (steps: string[]): Played {
  const oracle = new Oracle(() => 0)
  const seat = new Seat(CHANNEL, oracle.subscribe('s1', CHANNEL), { report: (violation) => { oracle.report(violation) }, now: () => 0 })
  for (const step of steps) {
    const [word = '', first = '', id = ''] = step.split(' ')
    if (word === 'ask') seat.ask()
    else if (word === 'leave') seat.leave()
    else if (word === 'drop') seat.drop()
    else if (word === 'at') seat.subscribed({ id: first, recovered: true })
    else if (word === 'gap') seat.subscribed({ id, recovered: false, reason: first })
    else if (word === 'unsubscribed') seat.unsubscribed()
    else if (word === 'refused') seat.refused()
    else if (seat.takes(word)) oracle.deliver(seat.history, word, `content of ${word}`)
  }
  return { oracle, seat }
}

const kindsIn = (...steps: string[]): string[] => kindsOf(play(steps).oracle)

t.test('a channel of a shared connection, as the fault harness sees it', async (t) => {
  t.test('goes on from the last message over connections and while it was given up', async (t) => {
    const { oracle, seat } = play(['ask', 'at a:4', 'a:5', 'drop', 'ask', 'at a:5', 'a:6', 'leave', 'a:7', 'unsubscribed', 'ask', 'at a:7', 'a:8'])
    t.strictSame(kindsOf(oracle), [])
    t.equal(seat.since, 'a:8')
  })

  t.test('finds a hole on a connection, between two, and where it was given up', async (t) => {
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'a:7'), ['hole'])
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'drop', 'ask', 'at a:6', 'a:7'), ['hole'])
    t.strictSame(kindsIn('ask', 'at a:4', 'leave', 'unsubscribed', 'ask', 'at a:4', 'a:6'), ['hole'])
    t.strictSame(kindsIn('ask', 'at a:4', 'leave', 'unsubscribed', 'ask', 'gap expired a:6', 'a:7'), [], 'one that was announced')
  })

  t.test('finds what comes twice after a reconnect', async (t) => {
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'drop', 'ask', 'at a:5', 'a:5', 'a:6'), ['duplicate'])
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'drop', 'ask', 'at a:4', 'a:5'), ['order', 'duplicate'])
  })

  t.test('finds frames that were not requested', async (t) => {
    t.strictSame(kindsIn('a:1'), ['uninvited'], 'a message of a channel that the connection does not have')
    t.strictSame(kindsIn('ask', 'a:1'), ['uninvited'], 'before the channel said where it stands')
    t.strictSame(kindsIn('ask', 'at a:1', 'leave', 'unsubscribed', 'a:2'), ['uninvited'], 'behind the answer to an unsubscribe')
    t.strictSame(kindsIn('ask', 'at a:1', 'refused', 'a:2'), ['uninvited'], 'behind a refusal')
    t.strictSame(kindsIn('at a:1'), ['uninvited'])
    t.strictSame(kindsIn('unsubscribed'), ['uninvited'])
    t.strictSame(kindsIn('refused'), ['uninvited'])
  })

  t.test('ignores what is of a subscription that was given up and asked for again at once', async (t) => {
    const { oracle, seat } = play(['ask', 'at a:4', 'a:5', 'leave', 'ask', 'a:6', 'refused', 'unsubscribed', 'at a:5', 'a:6', 'a:7'])
    t.strictSame(kindsOf(oracle), [])
    t.equal(seat.state, 'live')
  })

  t.test('takes what comes again because it was asked for again, and nothing that comes behind it twice', async (t) => {
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'ask', 'a:6', 'a:7', 'at a:5', 'a:6', 'a:7', 'a:8'), [])
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'ask', 'a:6', 'a:7', 'a:8', 'gap expired a:6', 'a:7', 'a:8', 'a:9'), [], 'from where it is kept')
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'ask', 'a:6', 'at a:5', 'a:6', 'a:8'), ['hole'])
    t.strictSame(kindsIn('ask', 'at a:4', 'a:5', 'ask', 'a:6', 'at a:5', 'a:6', 'a:7', 'a:7'), ['duplicate'])
  })

  t.test('begins behind a gap where it does not say from where', async (t) => {
    const { oracle, seat } = play(['ask', 'at a:4', 'a:5', 'leave', 'unsubscribed'])
    seat.cursor = undefined
    seat.ask()
    seat.subscribed({ id: 'a:9', recovered: true })
    t.equal(seat.takes('a:10'), true)
    oracle.deliver(seat.history, 'a:10', 'content of a:10')
    t.strictSame(kindsOf(oracle), [])
  })

  t.test('finds an answer that does not come', async (t) => {
    let now = 0
    const oracle = new Oracle(() => now)
    const seat = new Seat(CHANNEL, oracle.subscribe('s1', CHANNEL), { report: (violation) => { oracle.report(violation) }, now: () => now })
    const check = (): string[] => {
      seat.expectAnswer(1_000)
      return kindsOf(oracle)
    }
    seat.ask()
    t.strictSame(check(), [])
    now = 1_000
    t.strictSame(check(), ['unanswered'])
    t.strictSame(check(), ['unanswered'], 'once')
    seat.subscribed({ id: 'a:1', recovered: true })
    seat.leave()
    now = 2_000
    t.strictSame(check(), ['unanswered', 'unanswered'])
  })

  t.test('is asked for again, or with another token, as the close code of a refusal says', async (t) => {
    t.strictSame([1001, 1012, 1013].map(remedyOf), ['again', 'again', 'again'])
    t.strictSame([4401, 4403].map(remedyOf), ['token', 'token'])
    t.equal(remedyOf(1008), 'none')
  })
})
