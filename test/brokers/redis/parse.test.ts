import fc from 'fast-check'
import t from 'tap'
import { parseDecideAnswer, parseJoinAnswer, parseLookAnswer } from '../../../src/brokers/redis/failover/parse.js'
import { parseReplication } from '../../../src/brokers/redis/failover/replication.js'
import { parseNotification, parseCount, parsePosition, parsePublishAnswer, parseReadAnswer, parseVerifyAnswers, type ReadAnswer } from '../../../src/brokers/redis/log/parse.js'
import { parseReport } from '../../../src/brokers/redis/nodes/reports.js'
import { parseAnnouncement, parseKeptAnnouncements } from '../../../src/brokers/redis/nodes/announcements.js'

const entry = { epoch: 'e', offset: 3, message: '"x"', time: 1_700_000_000_000 }
const row = ['3-1700000000000', ['m', '"x"']]

/** Valid inputs of each parser, with their results. */
const VALID: [name: string, parse: (value: unknown) => unknown, value: unknown, parsed: unknown][] = [
  ['announcement', parseNotification, 'e:3 "x","time":1700000000000', entry],
  ['announcement of a message with times in it', parseNotification, 'e:3 [{"a":1,"time":2},",\\"time\\":3"],"time":1700000000000', { ...entry, message: '[{"a":1,"time":2},",\\"time\\":3"]' }],
  ['announcement of an earlier version', parseNotification, 'e:3 "x"', { ...entry, time: undefined }],
  ['announcement of an earlier version with a time in it', parseNotification, 'e:3 {"a":1,"time":2}', { ...entry, message: '{"a":1,"time":2}', time: undefined }],
  ['announcement of a position', parseNotification, 'e:3 ', { ...entry, message: '', time: undefined }],
  ['announcement of a message with a receipt', parseNotification, 'e:3 "x","receipt":"a.1.1000","time":1700000000000', { ...entry, receipt: 'a.1.1000' }],
  ['announcement of a message with a receipt in it', parseNotification, 'e:3 {"a":1,"receipt":"a.1.1"},"receipt":"a.1.1000","time":1700000000000', { ...entry, message: '{"a":1,"receipt":"a.1.1"}', receipt: 'a.1.1000' }],
  ['announcement of a text like a receipt', parseNotification, 'e:3 ",\\"receipt\\":\\"a.1.1000\\"","time":1700000000000', { ...entry, message: '",\\"receipt\\":\\"a.1.1000\\""' }],
  ['announcement of a long text', parseNotification, `e:3 "${'x'.repeat(200)}","receipt":"a.1.1000","time":1700000000000`, { ...entry, message: `"${'x'.repeat(200)}"`, receipt: 'a.1.1000' }],
  ['count', parseCount, '9007199254740991', Number.MAX_SAFE_INTEGER],
  ['count as a number', parseCount, 0, 0],
  ['position', (value) => parsePosition(...value as [unknown, unknown]), ['e', '3'], { epoch: 'e', offset: 3 }],
  ['position with a number', (value) => parsePosition(...value as [unknown, unknown]), ['e', 3], { epoch: 'e', offset: 3 }],
  ['PUBLISH', parsePublishAnswer, ['sent', 'e', '3'], { status: 'sent', current: { epoch: 'e', offset: 3 } }],
  ['PUBLISH of a duplicate', parsePublishAnswer, ['duplicate', 'e', '3', 'd', '1', '7'], { status: 'duplicate', current: { epoch: 'e', offset: 3 }, first: { epoch: 'd', offset: 1 }, subscribers: 7 }],
  ['PUBLISH of another message', parsePublishAnswer, ['conflict'], { status: 'conflict' }],
  ['READ', parseReadAnswer, ['e', '3', '2', '', [row]], { epoch: 'e', head: 3, after: 2, reason: undefined, entries: [entry] }],
  ['READ of an entry without a time', parseReadAnswer, ['e', '3', '2', '', [['3', ['m', '"x"']]]], { epoch: 'e', head: 3, after: 2, reason: undefined, entries: [{ ...entry, time: undefined }] }],
  ['READ of an entry with a receipt', parseReadAnswer, ['e', '3', '2', '', [['3-1700000000000', ['m', '"x"', 'r', 'a.1.1000']]]], { epoch: 'e', head: 3, after: 2, reason: undefined, entries: [{ ...entry, receipt: 'a.1.1000' }] }],
  ['READ with a gap', parseReadAnswer, ['e', '3', '3', 'epoch', []], { epoch: 'e', head: 3, after: 3, reason: 'epoch', entries: [] }],
  ['READ of a later epoch', parseReadAnswer, ['later'], 'later'],
  ['VERIFY', parseVerifyAnswers, [[1, 'e', '3']], [{ present: true, current: { epoch: 'e', offset: 3 } }]],
  ['VERIFY of what is lost, and without a log', parseVerifyAnswers, [[0, 'e', '3', 'more'], []], [{ present: false, current: { epoch: 'e', offset: 3 } }, { present: true, current: undefined }]],
  ['VERIFY of a log with a damaged position, and of another one', parseVerifyAnswers, [[0, 'e', '-3'], [1, 'e', '3']], [undefined, { present: true, current: { epoch: 'e', offset: 3 } }]],
  ['VERIFY of no log', parseVerifyAnswers, [], []],
  ['JOIN', parseJoinAnswer, ['joined', 'id'], { status: 'joined', id: 'id' }],
  ['JOIN of another term', parseJoinAnswer, ['again', 'term'], { status: 'again', term: 'term' }],
  ['DECIDE', parseDecideAnswer, ['decided', 1], { status: 'decided', complete: true }],
  ['DECIDE that waits', parseDecideAnswer, ['waiting', 2], { status: 'waiting', missing: 2 }],
  ['DECIDE of another term', parseDecideAnswer, ['again', 'term'], { status: 'again', term: 'term' }],
  ['LOOK', parseLookAnswer, ['term', 1, 'a', 'term', '1', 'b', '-', '0'], { term: 'term', decided: true, instances: new Map([['a', { compared: 'term', safe: true }], ['b', { compared: '-', safe: false }]]) }],
  ['INFO', parseReplication, 'role:master\r\nconnected_slaves:2\r\nslave0:ip=::1,port=1,state=online,offset=7,lag=0\r\nslave1:ip=::1,port=2,state=wait_bgsave,offset=0,lag=9\r\nmaster_replid:0123456789abcdef\r\nmaster_repl_offset:9\r\n', { server: '0123456789ab', isMaster: true, offset: 9, replicas: [7, 0] }],
  ['INFO that does not tell of every replica', parseReplication, 'role:slave\nconnected_slaves:2\nslave0:state=online,offset=7', { server: undefined, isMaster: false, offset: Infinity, replicas: [] }],
  ['report', (value) => parseReport(String(value)), '{"node":"a","number":1,"full":true,"counts":{"room":2}}', { node: 'a', number: 1, full: true, counts: new Map([['room', 2]]) }],
  ['last report', (value) => parseReport(String(value)), '{"node":"a","number":1,"full":true,"counts":{},"leaves":true}', { node: 'a', number: 1, full: true, counts: new Map(), leaves: true }],
  ['request', (value) => parseReport(String(value)), '{"from":"a","ask":"*"}', { from: 'a', ask: '*' }],
  ['notice', (value) => parseAnnouncement(String(value)), '1700000000000 a text', ['a text', 1_700_000_000_000]],
  ['notices', parseKeptAnnouncements, ['a', '1', 'b', '2'], new Map([['a', 1], ['b', 2]])],
  ['notices in pairs', parseKeptAnnouncements, [['a', 1], ['b', 2]], new Map([['a', 1], ['b', 2]])]
]

/** Any value that another process may have written, or that a script or a server may return. */
const Anything = fc.anything({
  withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true,
  withSet: true, withSparseArray: true, withTypedArray: true
})
const Scalar = fc.oneof(fc.constantFrom<unknown>(null, undefined, '', 'sent', 'duplicate', 'again', 'waiting', 'decided', 'joined', 'later', 'epoch', 'e', 0, 1, -1, NaN, Infinity, 2 ** 53, 1.5), fc.string(), fc.double(), fc.bigInt())
const Lists = fc.array(fc.oneof(Scalar, fc.array(fc.oneof(Scalar, fc.array(Scalar)))))

/** A valid value of which an element is replaced, or that ends early. */
function damaged (value: unknown): fc.Arbitrary<unknown> {
  if (typeof value === 'string') {
    return fc.tuple(fc.nat(value.length), fc.nat(value.length), fc.string({ maxLength: 4 }))
      .map(([from, to, text]) => value.slice(0, Math.min(from, to)) + text + value.slice(Math.max(from, to)))
  }
  if (!Array.isArray(value) || value.length === 0) return Anything
  return fc.oneof(
    fc.nat(value.length).map((length) => (value as unknown[]).slice(0, length)),
    fc.tuple(fc.nat(value.length), fc.oneof(Scalar, Anything))
      .map(([index, other]) => (value as unknown[]).with(Math.min(index, value.length - 1), other))
  )
}

t.test('What other processes say', async (t) => {
  for (const [name, parse, value, parsed] of VALID) {
    t.test(`${name}: is taken, also when a later version says more`, async (t) => {
      t.strictSame(parse(value), parsed)
      if (Array.isArray(value) && value.length > 1 && !/notices|LOOK|VERIFY|waits|position/.test(name)) t.strictSame(parse([...value as unknown[], 'more', 7]), parsed)
      if (typeof value === 'string' && value.startsWith('{')) t.strictSame(parse(value.replace('{', '{"more":{"than":1},')), parsed)
    })

    t.test(`${name}: damaged or anything else, is a value or nothing, never an error`, async (t) => {
      const lists = name.startsWith('position') ? Lists.map((list) => [list[0], list[1]]) : Lists
      const cases = fc.oneof({ weight: 3, arbitrary: damaged(value) }, { weight: 1, arbitrary: lists }, { weight: 1, arbitrary: name.startsWith('position') ? lists : Anything })
      fc.assert(fc.property(cases, (other) => {
        if (typeof value !== 'string' || typeof other === 'string') parse(name.startsWith('position') && !Array.isArray(other) ? [other, other] : other)
      }), { numRuns: 300 })
      t.pass('nothing was thrown')
    })
  }

  t.test('gives offsets and counts that can be counted with, or none', async (t) => {
    const safe = (position: { offset: number } | undefined): boolean =>
      position === undefined || (Number.isSafeInteger(position.offset) && position.offset >= 0)
    fc.assert(fc.property(fc.oneof(damaged('e:3 "x"'), fc.string()), (text) => safe(parseNotification(text))))
    fc.assert(fc.property(fc.oneof(damaged('17'), Scalar), (value) => safe({ offset: parseCount(value) ?? 0 })))
    fc.assert(fc.property(damaged(['e', '3', '2', '', [row]]), (value) => {
      const answer = parseReadAnswer(value)
      return answer === undefined || answer === 'later' || (safe({ offset: answer.head }) && answer.entries.every(({ offset }, index) => offset === answer.after + index + 1))
    }))
    for (const notANumber of ['', ' 1', '0x10', '-1', '1e3', '99999999999999999', '1.5', [], ['1'], {}, null, true]) t.equal(parseCount(notANumber), undefined)
  })

  t.test('ends a stretch of a log where a row is no entry or not the next one', async (t) => {
    const rows = (...offsets: number[]): unknown[] => offsets.map((offset) => [`${offset}-1`, ['m', String(offset)]])
    const offsets = (list: unknown[]): unknown => (parseReadAnswer(['e', '9', '2', '', list]) as ReadAnswer).entries.map(({ offset }) => offset)
    t.strictSame(offsets(rows(3, 4, 5)), [3, 4, 5])
    t.strictSame(offsets(rows(3, 5)), [3])
    t.strictSame(offsets(rows(4, 5)), [])
    for (const row of ['4', null, ['4-1'], ['4-1', []], ['4-1', ['m']], ['4-1', ['m', 7]], [4, ['m', '4']], ['x-1', ['m', '4']]]) t.strictSame(offsets([...rows(3), row]), [3])
  })

  t.test('is refused as a whole where one of its parts is not what it has to be', async (t) => {
    for (const answer of [[], ['e', '3'], ['e', 'x', '2', '', []], ['e', '3', '-1', '', []], ['e', '3', '2', 'because', []], ['e', '3', '2', '', 'rows'], [7, '3', '2', '', []]]) t.equal(parseReadAnswer(answer), undefined)
    for (const answer of [['sent'], ['other', 'e', '3'], ['duplicate', 'e', '3'], ['duplicate', 'e', '3', 'd', '1', 'many'], ['sent', 'a b', '3']]) t.equal(parsePublishAnswer(answer), undefined)
    t.strictSame(parseVerifyAnswers([[1, 'e'], 'e']), [undefined, undefined])
    t.equal(parseVerifyAnswers('e'), undefined)
    t.equal(parseJoinAnswer(['left', 'id']), undefined)
    for (const answer of [['again'], ['other']]) t.equal(parseDecideAnswer(answer), undefined)
    t.equal(parseLookAnswer([1]), undefined)
    for (const value of [null, undefined, 7, {}, []]) {
      t.equal(parseNotification(value), undefined)
      t.match(parseReplication(value), { server: undefined, isMaster: false, replicas: [] })
    }
    t.strictSame(parseLookAnswer(['term', 0, 7, 'term', '1', 'b', null, '0', 'c'])?.instances, new Map())
    for (const text of ['1', 'null', '[]', '"x"', '{}', '{"node":"a","number":1,"full":true}', '{"node":"a","number":-1,"full":true,"counts":{}}', '{"from":"a"}']) t.equal(parseReport(text), undefined)
    t.strictSame(parseReport('{"node":"a","number":1,"full":true,"counts":{"room":-1,"b":"2","c":3}}'), { node: 'a', number: 1, full: true, counts: new Map([['c', 3]]) })
    for (const text of ['', 'nonsense', '1', ' 1 x', '99999999999999999 x']) t.equal(parseAnnouncement(text), undefined)
  })
})
