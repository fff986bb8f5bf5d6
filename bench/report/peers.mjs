import { integer, kibibytes, mebibytes, number, percent, provenance, table, times, countFailed, verdicts } from './format.mjs'
import { MAX_FOREIGN } from '../measure/cores.mjs'
import { quietText } from './quiet.mjs'
import { peerTargets } from './targets.mjs'

const BASELINE = 'express-ws'
// Below this the server had time left: its throughput is that of the load, and only its CPU time tells what it can do.
const SATURATED = 0.9

/** The section on the service and its peers. */
export function peersSection (result) {
  const { settings, peers } = result
  const value = (id, peer, member) => result.cases.find((each) => each.id === id)?.rows.find((row) => row.id === peer)?.[member]
  const targets = peerTargets(value)
  const parts = [
    '## The service and its peers',
    provenance(result.machine),
    '### Targets',
    verdicts(targets),
    ...result.cases.flatMap((each) => [`### ${each.title}`, caseTable(each, peers, value)]),
    '### Peers',
    peers.map(({ name, version, skipped }) => `- ${name}: ${skipped === undefined ? version : `not measured: ${skipped}`}`).join('\n'),
    '### How it is measured',
    method(settings, result.cases)
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) + serviceErrors(result) }
}

// A peer may fail, and its row says how; the service may not.
function serviceErrors ({ cases }) {
  return cases.flatMap(({ rows }) => rows).filter(({ id, error }) => id.startsWith('messenger') && error !== undefined).length
}

const columns = {
  w1: fanOutColumns,
  w16: fanOutColumns,
  posts: (row, base) => [
    ['posts/s', saturatedMark(row, integer(row.perSecond))], ['× baseline', times(row.perSecond / base?.perSecond)],
    ['CPU µs/post', number(row.cpuPerUnit)], ['× baseline', times(row.cpuPerUnit / base?.cpuPerUnit)],
    ['posts/s a core', integer(1e6 / row.cpuPerUnit)],
    ['server core', percent(row.serverBusy)], ['load core', percent(row.loadBusy)]
  ],
  memory: (row, base) => [
    ['KiB/connection', kibibytes(row.bytesPerConnection)], ['× baseline', times(row.bytesPerConnection / base?.bytesPerConnection)],
    ['RSS before, MiB', mebibytes(row.before)], ['RSS after, MiB', mebibytes(row.after)], ['open', integer(row.open)]
  ],
  exact: (row) => [
    ['frames', integer(row.frames)], ['expected', integer(row.expected)], ['complete subscribers', integer(row.complete)],
    ['out of order', integer(row.wrong.order)], ['wrong content', integer(row.wrong.content)],
    ['ids checked', integer(row.withIds)], ['ids not contiguous', row.withIds === 0 ? 'no ids' : integer(row.wrong.ids)]
  ]
}

function fanOutColumns (row, base) {
  return [
    ['CPU µs/delivery', number(row.cpuPerUnit)], ['(lowest–highest)', spread(row.runs, 'cpuPerUnit')], ['× baseline', times(row.cpuPerUnit / base?.cpuPerUnit)],
    ['deliveries/s', saturatedMark(row, integer(row.perSecond))], ['× baseline', times(row.perSecond / base?.perSecond)],
    ['p50 ms', number(row.p50)], ['p99 ms', number(row.p99)],
    ['p50 × baseline', times(row.p50 / base?.p50)], ['p99 × baseline', times(row.p99 / base?.p99)],
    ['server core', percent(row.serverBusy)], ['load core', percent(row.loadBusy)]
  ]
}

function caseTable ({ id, rows }, peers) {
  const nameOf = (peer) => peers.find((each) => each.id === peer).name
  const base = rows.find((row) => row.id === BASELINE && row.error === undefined)
  const measured = rows.filter(({ error }) => error === undefined).map((row) => ({ row, cells: columns[id](row, base) }))
  const head = measured[0]?.cells.map(([title]) => title) ?? []
  const failures = rows.filter(({ error }) => error !== undefined).map((row) => `- ${nameOf(row.id)}: failed: ${row.error.split('\n')[0]}`)
  return [
    measured.length === 0 ? 'Not measured.' : table(['', ...head], measured.map(({ row, cells }) => [nameOf(row.id), ...cells.map(([, text]) => text)])),
    ...(failures.length > 0 ? [failures.join('\n')] : [])
  ].join('\n\n')
}

const saturatedMark = (row, text) => row.serverBusy < SATURATED ? `${text} *` : text

function spread (runs, member) {
  const values = runs.map((run) => run[member])
  return values.length < 2 ? '–' : `${number(Math.min(...values))}–${number(Math.max(...values))}`
}

function method (settings, cases) {
  const { warmUpMs, measureMs, repetitions, settleMs } = settings
  return `- Every figure is the median of ${repetitions} ${repetitions === 1 ? 'run' : 'runs'}, each with a fresh server, interleaved: all peers once, then all again in the other direction. A run warms up for ${warmUpMs / 1_000} s and measures for ${measureMs / 1_000} s.
- Server and load generator are separate processes on 127.0.0.1. CPU is user and system time of all of the server's threads and processes (\`/proc/<pid>/stat\`, in steps of 10 ms); nginx runs one worker.
- *n in flight*: n closed loops, each on its own keep-alive connection; a loop publishes its next message when the server has answered and all subscribers have the last one. Latency is from the publisher's write to the receiver's read, in one process and on one clock, over all deliveries of the window.
- Subscribers are bare TCP sockets that parse frames and compare the order of messages; one core serves all of them, so throughput and latency include the receiving side. \\* marks figures of a server that had more than ${Math.round((1 - SATURATED) * 100)} % of its core left: the load generator, or waiting for each other, was the limit; compare CPU time instead.
- A message is 100 bytes of JSON; subscribers receive it in the server's envelope (\`{"channel","message","time","id"}\` here, the same without \`time\` and \`id\` from the baseline, nchan and Bun, an event packet from Socket.IO). All peers check a bearer token; nchan gets the finished envelope as body, the others \`{"message":…}\`, as JSON. nchan keeps 100 messages a channel, as this service does by default; the baseline, Socket.IO and Bun keep none.
- Memory is VmRSS before and after the connections are opened, each once it has been stable for ${settleMs / 1_000} s.
- A run is repeated, up to twice, when other processes used more than ${percent(MAX_FOREIGN)} of a core meanwhile; the one with the least counts. ${quietText(cases.flatMap(({ rows }) => rows))}`
}
