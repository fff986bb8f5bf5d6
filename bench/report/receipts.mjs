import { countFailed, integer, number, provenance, table, verdicts } from './format.mjs'

const MAX_DIFFERENCE_MS = 5

/** The section on receipts. */
export function receiptsSection (result) {
  const { sockets, deaf, streams, rows } = result
  const exact = rows.filter((row) => row.received === sockets - deaf && row.silent === deaf && row.unable === streams).length
  const differences = rows.flatMap(({ p50, max, measuredP50, measuredMax }) => [Math.abs(p50 - measuredP50), Math.abs(max - measuredMax)])
  const difference = Math.max(...differences)
  const targets = [
    { what: `messages with exactly ${sockets - deaf} received, ${deaf} silent, ${streams} unable`, limit: `all ${rows.length}`, value: integer(exact), ok: exact === rows.length },
    { what: 'ms between the latency in the receipts and that of the subscribers, p50 and maximum, at most', limit: `at most ${MAX_DIFFERENCE_MS}`, value: number(difference), ok: difference <= MAX_DIFFERENCE_MS }
  ]
  const parts = [
    '## Receipts',
    provenance(result.machine),
    `Two instances and Redis, ${sockets} WebSocket subscribers with \`frames\`, of which ${deaf} acknowledge nothing, and ${streams} event streams.`,
    verdicts(targets),
    table(['message', 'received', 'silent', 'unable', 'p50 ms', 'of the subscribers', 'max ms', 'of the subscribers'], rows.map((row, index) => {
      const { received, silent, unable, p50, measuredP50, max, measuredMax } = row
      return [index + 1, ...[received, silent, unable].map(integer), ...[p50, measuredP50, max, measuredMax].map(number)]
    }))
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
