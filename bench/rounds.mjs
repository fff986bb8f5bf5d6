// Measurements side by side: one round over all, then the next in the other direction, so that a noisy minute of the machine,
// or one that it warms up in, hits all alike.
import { MAX_FOREIGN } from './measure/cores.mjs'
import { medians } from './measure/statistics.mjs'
import { progress } from './program.mjs'

/**
 * Resolves to a row for each entrant: `{ id, runs }` and the medians of the runs, or `{ id, error }` for one that failed. A run
 * is the quietest of at most `tries`.
 */
export async function inRounds (what, entrants, { repetitions, tries = 1 }, measure) {
  const rows = entrants.map((entrant) => ({ entrant, runs: [] }))
  for (let round = 1; round <= repetitions; round++) {
    for (const row of round % 2 === 0 ? rows.toReversed() : rows) {
      if (row.error !== undefined) continue
      progress(`${what}  round ${round}/${repetitions}  ${row.entrant.id}`)
      try {
        row.runs.push(await quietest(tries, () => measure(row.entrant)))
      } catch (error) {
        // Told in the table; the others go on.
        row.error = error.message
        progress(`  ${error.message}`)
      }
    }
  }
  return rows.map(({ entrant: { id }, runs, error }) => error === undefined ? { id, ...medians(runs), runs } : { id, error })
}

async function quietest (tries, measure) {
  let best
  for (let attempt = 0; attempt < tries; attempt++) {
    const result = await measure()
    if (best === undefined || result.foreign < best.foreign) best = result
    if (best.foreign === undefined || best.foreign <= MAX_FOREIGN) break
  }
  return best
}
