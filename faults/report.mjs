import { KINDS } from './faults.mjs'
import { percentile } from './recovery.mjs'

const SHOWN_VIOLATIONS = 5

/** Only where there is a Redis. */
const REDIS_ROWS = [
  ['faults of instances, Redis and what is between', ({ faults }) => count(total(ofRedis(faults)))],
  ['failovers: master killed + asked for + stood still', ({ faults }) => ['failover', 'switch', 'standstill'].map((kind) => (faults[`redis-${kind}`] ?? 0) + (faults[`cluster-${kind}`] ?? 0)).join(' + ')],
  ['slots moved', ({ moves }) => count(moves)],
  ['Redis killed: data kept + lost + its end lost', ({ faults }) => ['redis-kill', 'redis-lost', 'redis-rewind'].map((kind) => faults[kind] ?? 0).join(' + ')],
  ['messages published again after a loss of data', ({ republished }) => count(republished)],
  ['vanished with all that knew of it', ({ vanished }) => count(vanished)],
  ['epochs of a channel, at most', ({ epochs }) => count(epochs)],
  ['changes of the epoch without a gap', ({ carried }) => count(carried)],
  ['led back to an earlier epoch, behind a gap', ({ returns }) => count(returns)],
  ['publishes answered 503', ({ unavailable }) => count(unavailable)],
  ['Redis back until an instance is ready, p50', ({ ready }) => ms(percentile(all(ready), 0.5))],
  ['Redis back until an instance is ready, p99', ({ ready }) => ms(percentile(all(ready), 0.99))],
  ['Redis back until an instance is ready, at most (times measured)', ({ ready }) => `${ms(percentile(all(ready), 1))} (${all(ready).length})`],
  ['Redis back until all are caught up, p50', ({ caughtUp }) => ms(percentile(all(caughtUp), 0.5))],
  ['Redis back until all are caught up, p99 (times measured)', ({ caughtUp }) => `${ms(percentile(all(caughtUp), 0.99))} (${all(caughtUp).length})`]
]

const ROWS = [
  ['instances', ({ instances }) => count(instances)],
  ['messages acknowledged', ({ acknowledged }) => count(acknowledged)],
  ['subscribers × channels', ({ subscribers, channels }) => `${subscribers} × ${channels}`],
  ['connections with several channels', ({ shared }) => count(shared)],
  ['channels changed and tokens replaced on them by frames', ({ frames }) => `${count(frames.channels)}, ${count(frames.tokens)}`],
  ['messages handed over', ({ deliveries }) => count(deliveries)],
  ['**lost silently**', ({ lost }) => `**${count(lost)}**`],
  ['**duplicated**', ({ duplicated }) => `**${count(duplicated)}**`],
  ['other violations', (result) => count(otherViolations(result))],
  ['faults', ({ faults }) => count(total(faults))],
  ['of these restarts (SIGTERM + SIGKILL)', ({ faults }) => `${faults.term ?? 0} + ${faults.kill ?? 0}`],
  ...REDIS_ROWS,
  ['reconnects', ({ reconnects }) => count(reconnects)],
  ['gaps announced: `epoch`', ({ gaps }) => count(gaps.epoch)],
  ['gaps announced where the offsets went on', ({ needlessGaps }) => count(needlessGaps)],
  ['gaps announced: `expired`', ({ gaps }) => count(gaps.expired)],
  ['reconnects without a gap', ({ reconnects, gaps: { left, ...gaps } }) => `${Math.round(100 * (1 - total(gaps) / reconnects))} %`],
  ['messages behind announced gaps', ({ missedWithGap, deliveries }) => `${count(missedWithGap)} (${(100 * missedWithGap / (deliveries + missedWithGap)).toFixed(1)} %)`],
  ['closed as too slow (1013)', ({ closes }) => count(closes[1013])],
  ['sent away by a drain (1012), of these behind', ({ closes, sentAwayBehind }) => `${count(closes[1012])}, ${count(sentAwayBehind)}`],
  ['publishes repeated', ({ retries }) => count(retries)],
  ['time to recover, p50', ({ recovery }) => ms(percentile(all(recovery), 0.5))],
  ['time to recover, p99', ({ recovery }) => ms(percentile(all(recovery), 0.99))],
  ['duration', ({ durationMs }) => `${Math.round(durationMs / 1_000)} s`]
]

/** The numbers of all runs as a table in Markdown, a column for each seed. */
export function resultTable (results) {
  const rows = results.every(({ caughtUp }) => caughtUp) ? ROWS : ROWS.filter((row) => !REDIS_ROWS.includes(row))
  return table(['', ...results.map(({ seed }) => `seed ${seed}`)], rows.map(([name, cell]) => [name, ...results.map(cell)]))
}

/** Faults by kind, how long it took those who were hit to be up to date again, and instances to be ready; all seeds together. */
export function faultTable (results) {
  const kinds = [...new Set(results.flatMap(({ faults }) => Object.keys(faults)))].sort()
  return table(['fault', 'times', 'recover p50', 'p99', 'all caught up p50', 'p99', 'ready again p50', 'p99', 'max'], kinds.map((kind) => {
    const [recover, together, ready] = ['recovery', 'caughtUp', 'ready'].map((name) => results.flatMap((result) => result[name]?.[kind] ?? []))
    const parts = [[recover, 0.5], [recover, 0.99], [together, 0.5], [together, 0.99], [ready, 0.5], [ready, 0.99], [ready, 1]]
    const times = results.reduce((sum, { faults }) => sum + (faults[kind] ?? 0), 0)
    return [kind, count(times), ...parts.map(([samples, part]) => ms(percentile(samples, part)))]
  }))
}

/** Why an instance was not ready for longest, step by step. */
export function slowestText ({ seed, slowest }) {
  if (!slowest?.ms) return ''
  const steps = slowest.reasons.map(({ reason, ms }) => `  after ${count(Math.round(ms))} ms: ${reason}`)
  return [`seed ${seed}: the slowest to be ready again, ${count(Math.round(slowest.ms))} ms after ${slowest.kind}`, ...steps].join('\n')
}

/** The first violations of a run, with what the subscriber saw around them. */
export function violationText ({ seed, violations, violationCounts, command }) {
  if (violations.length === 0) return ''
  // One of each kind, then others.
  const firsts = violations.filter(({ kind }, index) => violations.findIndex((other) => other.kind === kind) === index)
  const chosen = [...new Set([...firsts, ...violations])].slice(0, SHOWN_VIOLATIONS)
  const shown = chosen.map(({ at, kind, subscriber, channel, text, excerpt = [] }) => [
    `  ${kind} at ${(at / 1_000).toFixed(3)} s${subscriber ? `, subscriber ${subscriber}` : channel ? `, channel ${channel}` : ''}: ${text}`,
    ...excerpt.map((line) => `      ${line}`)
  ].join('\n'))
  return [`seed ${seed}: ${count(total(violationCounts))} violations, the first of them:`, ...shown, `  once more: ${command}`].join('\n')
}

/** The same without what a machine does not need. */
export function jsonLine (results) {
  return JSON.stringify({
    ok: results.every(({ violations }) => violations.length === 0),
    seeds: results.map(({ recovery, caughtUp, ready, violations, violationCounts, ...numbers }) => ({
      ...numbers,
      recoverP50Ms: Math.round(percentile(all(recovery), 0.5)),
      recoverP99Ms: Math.round(percentile(all(recovery), 0.99)),
      ...caughtUp && {
        caughtUp: all(caughtUp).length,
        caughtUpP50Ms: Math.round(percentile(all(caughtUp), 0.5)),
        caughtUpP99Ms: Math.round(percentile(all(caughtUp), 0.99)),
        ready: all(ready).length,
        readyP50Ms: Math.round(percentile(all(ready), 0.5)),
        readyP99Ms: Math.round(percentile(all(ready), 0.99)),
        readyMaxMs: Math.round(percentile(all(ready), 1))
      },
      violations: total(violationCounts),
      violationKinds: violationCounts
    }))
  })
}

function otherViolations ({ violationCounts: { lost, duplicate, ...others } }) {
  return total(others)
}

function ofRedis (faults) {
  return Object.fromEntries(Object.entries(faults).filter(([kind]) => KINDS[kind].ofRedis || kind === 'term' || kind === 'kill'))
}

function all (recovery) {
  return Object.values(recovery).flat()
}

function total (counts) {
  return Object.values(counts).reduce((sum, value) => sum + value, 0)
}

function count (value = 0) {
  return value.toLocaleString('en-US')
}

export function ms (value) {
  return value === undefined ? '–' : `${count(Math.round(value))} ms`
}

/** A table in Markdown. */
export function table (head, rows) {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length), 3))
  const format = (line) => `| ${line.map((cell, column) => column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join(' | ')} |`
  const rule = `|${widths.map((width, column) => column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`).join('|')}|`
  return [format(head), rule, ...rows.map(format)].join('\n')
}
