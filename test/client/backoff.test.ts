import t from 'tap'
import { delay, retryAfter } from '../../src/client/backoff.js'

/** How many of a thousand clients come back in each fifth of `windowMs`. */
function spread (windowMs: number, wait: () => number): number[] {
  const fifths = [0, 0, 0, 0, 0]
  for (let client = 0; client < 1000; client++) {
    const fifth = Math.floor(wait() / windowMs * 5)
    fifths[fifth] = (fifths[fifth] ?? NaN) + 1
  }
  return fifths
}

t.test('delay', async (t) => {
  t.test('spreads a thousand clients that are cut at once evenly over the limit', async (t) => {
    const cases: [windowMs: number, wait: () => number][] = [
      [1000, () => delay(0, true, '')],
      [16_000, () => delay(4, false, '')],
      [30_000, () => delay(500, false, '')],
      [5000, () => delay(0, true, 'restart retry=5000')],
      [7000, () => delay(2, false, 'retry=7000')]
    ]
    for (const [windowMs, wait] of cases) {
      const fifths = spread(windowMs, wait)
      t.equal(fifths.length, 5, 'none is outside')
      // 200 on average with a deviation of 13.
      for (const share of fifths) t.ok(share > 110 && share < 290, `${share} of 1000 in a fifth of ${windowMs} ms`)
    }
  })
})

t.test('retryAfter', async (t) => {
  t.test('takes seconds and dates, and never less than 0', async (t) => {
    const now = 1_700_000_000_000
    t.intercept(Date, 'now', { value: () => now })
    const cases: [string | null, number][] = [
      ['7', 7_000], ['0', 0], ['12345678', 12_345_678_000], [new Date(now + 90_000).toUTCString(), 90_000],
      [new Date(now - 90_000).toUTCString(), 0], ['-5', 0], ['soon', 0], ['', 0], [null, 0]
    ]
    for (const [text, milliseconds] of cases) t.equal(retryAfter(text), milliseconds, String(text))
  })
})
