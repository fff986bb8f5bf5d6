import t from 'tap'
import { preferredWaitMs } from '../../src/http/prefer.js'

t.test('preferredWaitMs()', async (t) => {
  t.test('takes the preference wait from 1 to 30 seconds, as a token or a quoted string, in any case', async (t) => {
    for (const [prefer, waitMs] of [
      ['wait=1', 1_000], ['wait=30', 30_000], ['wait=07', 7_000], ['Wait=2', 2_000], ['WAIT=2', 2_000], ['wait="5"', 5_000], ['wait="\\5"', 5_000],
      ['wait = 5', 5_000], ['  wait=5\t', 5_000], ['wait\t=\t"5"', 5_000]
    ] as const) t.equal(preferredWaitMs({ prefer }), waitMs, prefer)
  })

  t.test('finds it among other preferences and parameters, which are ignored', async (t) => {
    for (const prefer of [
      'respond-async, wait=5', 'return=minimal; foo="bar", wait=5', 'wait=5, respond-async', ',, wait=5 ,', 'wait=5; foo', 'wait=5;foo=bar ; a="b,c;d" ;',
      'wait=5;', 'foo="a, wait=9", wait=5', 'foo="\\", wait=9", wait=5', 'foo; wait=9, wait=5', 'wait=5; wait=9', 'handling=lenient;x,wait=5', 'wait=5,"', 'wait=5, "x'
    ]) t.equal(preferredWaitMs({ prefer }), 5_000, prefer)
  })

  t.test('takes the first of several, also where that one makes no sense', async (t) => {
    t.equal(preferredWaitMs({ prefer: 'wait=5, wait=9' }), 5_000)
    for (const prefer of ['wait=x, wait=5', 'wait, wait=5', 'wait=60, wait=5', 'wait="", wait=5', 'wait=, wait=5']) t.equal(preferredWaitMs({ prefer }), undefined, prefer)
  })

  t.test('ignores what is malformed, and goes on behind it', async (t) => {
    for (const prefer of ['wait=5 6, wait=7', 'wait 5, wait=7', '=5, wait=7', 'a=b=c, wait=7', '"x", wait=7', '"x, wait=5", wait=7', 'a;b c, wait=7', '(wait=5), wait=7']) {
      t.equal(preferredWaitMs({ prefer }), 7_000, prefer)
    }
    t.equal(preferredWaitMs({ prefer: 'foo="a, wait=5' }), undefined, 'a string without an end')
    t.equal(preferredWaitMs({ prefer: 'foo="\\' }), undefined)
  })

  t.test('is undefined without the preference, or for another number', async (t) => {
    t.equal(preferredWaitMs({}), undefined)
    for (const prefer of [
      '', 'wait', 'wait=', 'wait=""', 'wait=0', 'wait=31', 'wait=1.5', 'wait=1e1', 'wait=-1', 'wait=+1', 'wait=0x5', 'wait=five', 'wait=5s', 'await=5', 'wait-5', 'foo; wait=5',
      'foo="wait=5"', `wait=${'9'.repeat(400)}`, 'wait="5', 'wait=5"', 'respond-async'
    ]) t.equal(preferredWaitMs({ prefer }), undefined, prefer)
  })

  t.test('takes no longer for a long header than for its length', async (t) => {
    for (const part of ['"', '\\"', ' ;', '; ', ' ', ',', 'a=', '"a"', ';a="b" ']) {
      const prefer = part.repeat(Math.floor(16_000 / part.length))
      const start = performance.now()
      t.equal(preferredWaitMs({ prefer: `wait=5 ;${prefer}"` }), part === ',' ? 5_000 : undefined, part)
      t.ok(performance.now() - start < 1_000, `${part}: ${performance.now() - start} ms`)
    }
  })
})
