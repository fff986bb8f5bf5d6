import { countFailed, integer, number, percent, provenance, table, times, verdicts } from './format.mjs'
import { quietText } from './quiet.mjs'

const MAX_COST = 1.25
const SINGLE = { 'messenger-redis': 'messenger', 'socket-io-redis': 'socket-io' }
const PARTS = ['instance 1', 'instance 2', 'redis']

/** The section on several instances. */
export function scaleSection (result) {
  const { settings, deployments, redis, cases } = result
  const rowOf = (id, deployment) => cases.find((each) => each.id === id)?.rows.find((row) => row.id === deployment)
  const cost = (id, deployment) => rowOf(id, deployment)?.cpuPerUnit / rowOf(id, SINGLE[deployment])?.cpuPerUnit
  const exact = rowOf('exact', 'messenger-redis')
  const targets = [
    ...['w1', 'w16'].map((id) => scalingTarget(`${id.slice(1)} in flight, CPU per delivery of all processes relative to one instance`, cost(id, 'messenger-redis'))),
    {
      what: 'two instances: every message to every subscriber of both exactly once, in one order, ids contiguous',
      limit: `exactly ${integer(exact.expected ?? 0)} frames`,
      value: exact.error === undefined ? `${integer(exact.frames)} frames` : `failed: ${exact.error}`,
      ok: exact.exact === true
    }
  ]
  const names = Object.fromEntries(deployments.map(({ id, name }) => [id, name]))
  const parts = [
    `## Two instances and Redis, ${integer(settings.subscribers)} subscribers an instance`,
    provenance(result.machine),
    verdicts(targets),
    ...cases.flatMap(({ id, title, rows }) => [`### ${title}`, caseTable(rows, names, id === 'exact' ? exactColumns : (row) => fanOutColumns(row, id, cost))]),
    '### How two instances are measured',
    method(settings, redis, deployments, cases)
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}

// A ratio that could not be taken is a failure: both are measured in every run.
const scalingTarget = (what, ratio) => ({ what, limit: `at most ${number(MAX_COST)}`, value: number(ratio), ok: ratio <= MAX_COST })

function caseTable (rows, names, columns) {
  const measured = rows.filter(({ error }) => error === undefined).map((row) => ({ name: names[row.id], cells: columns(row) }))
  const failures = rows.filter(({ error }) => error !== undefined).map(({ id, error }) => `- ${names[id]}: failed: ${error.split('\n')[0]}`)
  const head = measured[0]?.cells.map(([title]) => title) ?? []
  return [
    table(['', ...head], measured.map(({ name, cells }) => [name, ...cells.map(([, text]) => text)])),
    ...(failures.length > 0 ? [failures.join('\n')] : [])
  ].join('\n\n')
}

function fanOutColumns (row, id, cost) {
  const values = row.runs.map(({ cpuPerUnit }) => cpuPerUnit)
  return [
    ['CPU µs/delivery', number(row.cpuPerUnit)], ['(lowest–highest)', `${number(Math.min(...values))}–${number(Math.max(...values))}`],
    ['× one alone', times(SINGLE[row.id] === undefined ? undefined : cost(id, row.id))],
    ...PARTS.map((part) => [`of it ${part}`, number(row.cpuPerUnitOf[part])]),
    ['deliveries/s', integer(row.perSecond)],
    ['delivery p50 ms', number(row.p50)], ['p99 ms', number(row.p99)],
    ['publish p50 ms', number(row.publishP50)], ['p99 ms', number(row.publishP99)],
    ['one order', row.sameOrder ? 'yes' : 'no'],
    ['server core', percent(row.serverBusy)]
  ]
}

const exactColumns = (row) => [
  ['frames', integer(row.frames)], ['expected', integer(row.expected)], ['complete subscribers', integer(row.complete)],
  ['not in one order', integer(row.wrong.order)], ['wrong content', integer(row.wrong.content)],
  ['ids checked', integer(row.withIds)], ['ids not contiguous', row.withIds === 0 ? 'no ids' : integer(row.wrong.ids)]
]

function method ({ warmUpMs, measureMs, repetitions, subscribers }, redis, deployments, cases) {
  const versions = [redis, ...new Set(deployments.map(({ version }) => version))].join('; ')
  return `- ${versions}. Redis writes an append-only file, \`appendfsync everysec\`, as recommended for production.
- Every figure is the median of ${repetitions} ${repetitions === 1 ? 'run' : 'runs'}, each with fresh servers and a fresh Redis, interleaved: all deployments once, then all again in the other direction. A run warms up for ${warmUpMs / 1_000} s and measures for ${measureMs / 1_000} s.
- Each instance has ${integer(subscribers)} subscribers of one channel, and messages are published to the instances in turn. Two instances make twice the deliveries of one per message. *n in flight* counts the messages on their way to all subscribers of all instances. CPU per delivery is that of all processes together: instances and Redis with all threads, and what the kernel does for them.
- All servers of a deployment share core 0, and the load has core 1. Two instances are therefore not faster here: the figures show their total cost, including the switching between processes, without the gain of a second core. The latencies of two instances contain waiting for each other. The load generator never sleeps: waking a receiver is work of the kernel that is counted as the sender's, and its frequency depends on the load.
- Publish latency is from the write of the \`POST\` to its answer. With Redis this service answers once Redis has the message; Socket.IO answers before anything is sent.
- Every message is waited for at every subscriber. *One order* says whether all subscribers of both instances received the messages in the same order; the order within one instance is checked for all. Socket.IO delivers a message to the subscribers of its own server first, so that with several in flight the orders on two servers differ.
- ${quietText(cases.flatMap(({ rows }) => rows))}`
}
