import t from 'tap'
import { delay } from '../../src/client/backoff.js'

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
      [7000, () => delay(2, false, 'HTTP 503 retry=7000')]
    ]
    for (const [windowMs, wait] of cases) {
      const fifths = spread(windowMs, wait)
      t.equal(fifths.length, 5, 'none is outside')
      // 200 on average with a deviation of 13.
      for (const share of fifths) t.ok(share > 110 && share < 290, `${share} of 1000 in a fifth of ${windowMs} ms`)
    }
  })
})
