import { MAX_FOREIGN } from '../measure/cores.mjs'
import { median } from '../measure/statistics.mjs'
import { percent } from './format.mjs'

/** How quiet the machine was in these rows. */
export function quietText (rows) {
  const shares = rows.flatMap(({ runs = [] }) => runs).map((run) => run.foreign).filter((share) => share !== undefined)
  if (shares.length === 0) return 'How quiet the machine was is not known.'
  const worst = Math.max(...shares)
  return `Others took ${percent(median(shares))} of a core from the two in the median run, ${percent(worst)} in the worst.` +
    (worst > MAX_FOREIGN ? ' **The machine was not quiet: throughput and latency are not reliable, CPU time is better.**' : '')
}
