import { percentile } from '../measure/statistics.mjs'
import { countFailed, integer, kibibytes, number, provenance, verdicts } from './format.mjs'

const MAX_MS = 20

/** The section on scrapes. */
export function scrapeSection (result) {
  const { connections, wanted, ms, serverMs, bytes } = result
  const [p50, p99, max] = [percentile(ms, 0.5), percentile(ms, 0.99), Math.max(...ms)]
  const targets = [{ what: 'ms of a scrape, the median', limit: `at most ${MAX_MS}`, value: number(p50), ok: p50 <= MAX_MS }]
  const parts = [
    '## A scrape of the metrics',
    provenance(result.machine),
    verdicts(targets),
    `${integer(ms.length)} scrapes of ${kibibytes(bytes)} KiB while ${integer(connections)} WebSocket subscribers have a channel each: ` +
      `${number(p50)} ms in the median, ${number(p99)} ms p99, ${number(max)} ms at most, from the request to the last byte of the answer; ${number(serverMs)} ms of server CPU.` +
      (connections < wanted ? ` The machine allows a process no more open files: not the intended ${integer(wanted)}.` : '')
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
