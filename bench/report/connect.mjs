import { countFailed, integer, number, percent, provenance, table, times, verdicts } from './format.mjs'
import { quietText } from './quiet.mjs'

// What two entrants that are the same may differ by; more, and the run decides nothing.
const NOISE = 0.03

/** The section on what it costs that a subscriber comes and goes. */
export function connectSection (result) {
  const { settings, variants, cases } = result
  const targets = cases.flatMap(({ title, rows }) => {
    const ratio = (id) => cpuOf(rows, id) / cpuOf(rows, 'base')
    const control = ratio('control')
    return [
      { what: `${title}: CPU per connect and disconnect of ${nameOf(variants, 'control')} relative to itself, the noise`, limit: `${exact(1 - NOISE)} to ${exact(1 + NOISE)}`, value: exact(control), ok: Math.abs(control - 1) <= NOISE },
      { what: `${title}: CPU per connect and disconnect of the open mode relative to ${nameOf(variants, 'base')}`, limit: `at most ${exact(1 + NOISE)}, which is 1 and the noise`, value: exact(ratio('open')), ok: ratio('open') <= 1 + NOISE }
    ]
  })
  const parts = [
    '## Subscribers that come and go, beside an earlier revision',
    provenance(result.machine),
    verdicts(targets),
    ...cases.flatMap(({ title, rows }) => [`### ${title}`, caseTable(rows, variants)]),
    '### How connects are measured',
    method(settings, cases)
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}

const exact = (ratio) => ratio.toFixed(3)
const cpuOf = (rows, id) => rows.find((row) => row.id === id)?.cpuPerUnit
const nameOf = (variants, id) => variants.find((variant) => variant.id === id).name

function caseTable (rows, variants) {
  const base = cpuOf(rows, 'base')
  return table(['', 'CPU µs/connect', '(lowest–highest)', '× base', 'connects/s', 'server core', 'load core'], rows.map((row) => {
    if (row.error !== undefined) return [nameOf(variants, row.id), `failed: ${row.error.split('\n')[0]}`, '–', '–', '–', '–', '–']
    const values = row.runs.map(({ cpuPerUnit }) => cpuPerUnit)
    return [
      nameOf(variants, row.id), number(row.cpuPerUnit), `${number(Math.min(...values))}–${number(Math.max(...values))}`, times(row.cpuPerUnit / base),
      integer(row.perSecond), percent(row.serverBusy), percent(row.loadBusy)
    ]
  }))
}

function method ({ atOnce, warmUp, measureMs, repetitions }, cases) {
  return `- Every figure is the median of ${repetitions} ${repetitions === 1 ? 'run' : 'runs'}, each with a fresh server, interleaved: all variants once, then all again in the other direction. A run warms up with ${integer(warmUp)} connects and measures for ${measureMs / 1_000} s. The earlier revision is compiled from its own sources in a temporary directory.
- ${atOnce} connections are under way at any time, from 32 loopback addresses to 1,000 channels in turn. A WebSocket is opened and closed by close handshake; an event stream is opened and its connection ended. A connect counts when both are done; the figure is CPU time of the server, user and system, for both together.
- The earlier revision is measured as two entrants. Where these differ by more than ${percent(NOISE)} the run says nothing about the other.
- ${quietText(cases.flatMap(({ rows }) => rows))}`
}
