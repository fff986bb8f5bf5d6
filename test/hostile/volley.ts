import fc from 'fast-check'
import type { Test } from 'tap'
import { seed } from './cases.js'

/** Cases that are under way at a time. */
const WIDTH = 64

/**
 * Fires `count` random cases, many at a time. What fails is fired again, one at a time, and shrunk to the smallest case that fails
 * by itself; the report names it and the seed.
 */
export async function volley<T> (
  t: Test, arbitrary: fc.Arbitrary<T>, count: number, fire: (cases: readonly T[]) => Promise<void>
): Promise<void> {
  let fired = 0
  for (let round = 0; fired < count; round++) {
    const parameters = { seed: seed + round, numRuns: Math.min(WIDTH, count - fired) }
    const cases = fc.sample(arbitrary, parameters)
    try {
      await fire(cases)
    } catch (error) {
      t.comment(`repeat with HOSTILE_SEED=${seed}`)
      const { failed, errorInstance, counterexamplePath, numShrinks } = await fc.check(
        fc.asyncProperty(arbitrary, async (one) => { await fire([one]) }), parameters
      )
      if (failed) throw new Error(`${String(error)}\n  smallest: ${String(errorInstance)}\n  path ${String(counterexamplePath)}, ${numShrinks} times shrunk`)
      throw new Error(`Cases failed that do not fail one at a time: ${String(error)}`)
    }
    fired += cases.length
  }
  t.comment(`${fired} cases`)
  t.equal(fired, count)
}
