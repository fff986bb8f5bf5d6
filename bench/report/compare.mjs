import { countFailed, number, percent, provenance, table, times, verdicts } from './format.mjs'
import { quietText } from './quiet.mjs'

/** Maximum cost of a change, relative to the earlier revision; publishing on Redis takes two processes and is noisier. */
const LIMIT = 1.03
const REDIS_LIMIT = 1.05

/** The section on what this tree costs beside an earlier revision. */
export function compareSection (result) {
  const { settings, variants, cases } = result
  const targets = cases.map(({ id, title, rows }) => {
    const limit = id.startsWith('redis') ? REDIS_LIMIT : LIMIT
    const [ratio, control] = ['tree', 'control'].map((entrant) => costOf(rows, entrant) / costOf(rows, 'base'))
    return { what: `${title}, relative to ${nameOf(variants, 'base')}; that revision relative to itself: ${exact(control)}`, limit: `at most ${exact(limit)}`, value: exact(ratio), ok: ratio <= limit }
  })
  const parts = [
    '## Beside an earlier revision',
    provenance(result.machine),
    verdicts(targets),
    ...cases.flatMap(({ title, rows }) => [`### ${title}`, caseTable(rows, variants)]),
    '### How revisions are compared',
    method(settings, cases)
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}

const exact = (ratio) => ratio.toFixed(3)
const valueOf = ({ cpuPerUnit, bytesPerConnection }) => cpuPerUnit ?? bytesPerConnection
const costOf = (rows, id) => valueOf(rows.find((row) => row.id === id) ?? {})
const nameOf = (variants, id) => variants.find((variant) => variant.id === id).name

function caseTable (rows, variants) {
  const base = costOf(rows, 'base')
  return table(['', 'CPU µs, or bytes, of one', '(lowest–highest)', '× base', 'server core', 'load core'], rows.map((row) => {
    if (row.error !== undefined) return [nameOf(variants, row.id), `failed: ${row.error.split('\n')[0]}`, '–', '–', '–', '–']
    const values = row.runs.map(valueOf)
    return [
      nameOf(variants, row.id), number(valueOf(row)), `${number(Math.min(...values))}–${number(Math.max(...values))}`, times(valueOf(row) / base),
      percent(row.serverBusy), percent(row.loadBusy)
    ]
  }))
}

function method ({ repetitions, measureMs }, cases) {
  return `- Every figure is the median of ${repetitions} ${repetitions === 1 ? 'run' : 'runs'} of ${measureMs / 1_000} s, each with a fresh server, interleaved: all variants once, then all again in the other direction. The earlier revision is compiled from its own sources in a temporary directory.
- The figure is the CPU time of the server, user and system, for a delivery, a publish, or a connect and disconnect; for memory, the bytes of a connection.
- The earlier revision is measured as two entrants. Where these two differ by more than a limit allows, the run is inconclusive.
- ${quietText(cases.flatMap(({ rows }) => rows))}`
}
