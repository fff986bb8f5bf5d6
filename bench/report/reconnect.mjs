import { countFailed, integer, number, provenance, table, verdicts } from './format.mjs'

const BAR = 40

/** The section on subscribers that are cut all at once. */
export function reconnectSection (result) {
  const { clients, resumed, lost, duplicates, gaps, failedAttempts, published, p50, p99, lastMs, binMs, curve } = result
  const zero = (what, value) => ({ what, limit: 'exactly 0', value: integer(value), ok: value === 0 })
  const targets = [
    { what: 'subscribers that resumed and have every message', limit: `exactly ${integer(clients)}`, value: integer(resumed), ok: resumed === clients },
    zero('messages lost', lost),
    zero('messages repeated', duplicates),
    zero('gaps announced', gaps)
  ]
  const parts = [
    `## ${integer(clients)} subscribers cut at once`,
    provenance(result.machine),
    `All connections are reset at the same moment, while ${integer(published)} messages are published at a steady rate. Each subscriber comes back ` +
    'with `?since=` and the id that it saw last, after the browser client\'s backoff (full jitter, 1 s doubling up to 30 s).',
    verdicts(targets),
    table(['', 'ms after the cut'], [['median subscriber resumed', number(p50)], ['99 % resumed', number(p99)], ['all resumed', number(lastMs)]]),
    `Attempts that failed: ${integer(failedAttempts)}. Reconnects per second, in steps of ${binMs} ms:`,
    '```text\n' + chart(curve, binMs) + '\n```'
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}

function chart (curve, binMs) {
  const highest = Math.max(...curve)
  return curve.flatMap((count, bin) => {
    // A long wait for the last few is told in one line.
    if (count === 0 && curve[bin - 1] === 0) return curve[bin - 2] === 0 ? [] : ['       …']
    const time = ((bin + 1) * binMs / 1_000).toFixed(2).padStart(6)
    const rate = integer(count * 1_000 / binMs).padStart(8)
    return [`${time} s ${rate}/s ${'#'.repeat(Math.round(count / highest * BAR))}`.trimEnd()]
  }).join('\n')
}
