import t from 'tap'
import { parseListAnswer, parseSetAnswer, textsOf } from '../../../../src/brokers/redis/members/parse.js'
import { parseReport, reportText } from '../../../../src/brokers/redis/nodes/reports.js'

const GARBAGE = [undefined, null, '', 'x', 7, true, {}, [], [[]], [null, null], ['x', []], [[], 'x'], [{}, {}], [-1, []], [1.5, []], [1, null]]

t.test('parseSetAnswer', async (t) => {
  t.test('reads the changes and the members that are about to leave', async (t) => {
    t.strictSame(parseSetAnswer([['+7', '-8', '+-9'], ['10', '9000', '11', '0']]), { joined: ['7', '-9'], left: ['8'], waiting: [['10', 9_000], ['11', 0]] })
    t.strictSame(parseSetAnswer([[], []]), { joined: [], left: [], waiting: [] })
  })

  t.test('ignores what it does not know', async (t) => {
    t.strictSame(parseSetAnswer([['7', '', null, 7, {}, '+x'], ['a', 'soon', 'b', 7, 'c']]), { joined: ['x'], left: [], waiting: [['a', 0]] })
    for (const answer of GARBAGE) t.doesNotThrow(() => parseSetAnswer(answer))
    t.equal(parseSetAnswer([[]]), undefined)
  })
})

t.test('parseListAnswer', async (t) => {
  t.test('reads the claims of each member', async (t) => {
    t.strictSame(parseListAnswer([2, ['7', 'a=1 b-_9=20', '8', '-1700000000000']]), {
      count: 2, members: [{ sub: '7', claims: new Map([['a', 1], ['b-_9', 20]]) }, { sub: '8', claims: new Map() }]
    })
    t.strictSame(parseListAnswer([1_001, []]), { count: 1_001, members: [] })
  })

  t.test('ignores what it does not know', async (t) => {
    t.strictSame(parseListAnswer([3, ['7', 'a=x =1 b= c d=-1 e=2=3 f/=1', 8, 'a=1', '9']]), { count: 3, members: [{ sub: '7', claims: new Map([['e', 2]]) }] })
    for (const answer of GARBAGE) t.doesNotThrow(() => parseListAnswer(answer))
    for (const answer of [undefined, 'x', [], ['x', []], [1, 'x'], [-1, []]]) t.equal(parseListAnswer(answer), undefined)
  })
})

t.test('textsOf', async (t) => {
  t.test('takes the texts of a list', async (t) => {
    t.strictSame(textsOf(['a', 7, null, 'b']), ['a', 'b'])
    for (const answer of [undefined, 'a', {}, 7]) t.strictSame(textsOf(answer), [])
  })
})

t.test('parseReport', async (t) => {
  t.test('has the claimant of an instance that has members', async (t) => {
    const report = { node: 'n', number: 1, full: true, counts: new Map([['room', 1]]) }
    t.strictSame(parseReport(reportText({ ...report, claimant: 'abc-_9' })), { ...report, claimant: 'abc-_9' })
    t.strictSame(parseReport(reportText({ ...report, claimant: undefined })), report)
    for (const claimant of ['', 'a b', 'a=b', 'x'.repeat(65), 7, {}]) t.strictSame(parseReport(reportText({ ...report, claimant: claimant as string })), report)
  })
})
