import { MAX_FOREIGN } from '../measure/cores.mjs'
import { median } from '../measure/statistics.mjs'
import { percent } from './format.mjs'

/** How quiet the machine was in these rows. */
export function quietText (rows) {
  const shares = rows.flatMap(({ runs = [] }) => runs).map((run) => run.foreign).filter((share) => share !== undefined)
  if (shares.length === 0) return 'The load of other processes was not recorded.'
  const worst = Math.max(...shares)
  return `Other processes used ${percent(median(shares))} of a core in the median run, ${percent(worst)} in the worst.` +
    (worst > MAX_FOREIGN ? ' **The machine was not idle: throughput and latency are unreliable, CPU time less so.**' : '')
}
