import { countFailed, integer, mebibytes, provenance, table, verdicts } from './format.mjs'

// Below this, growth is within the noise of compiled code and tables; for 100,000 connections, 10 bytes each.
const MAX_HEAP_GROWTH = 2 ** 20

/** The section on subscribers that come and go. */
export function churnSection (result) {
  const { connections, warmUp, samples } = result
  const [first, last] = [samples[0], samples.at(-1)]
  const grown = last.heapBytes - first.heapBytes
  const none = (what, value) => ({ what, limit: 'exactly 0', value: integer(value), ok: value === 0 })
  const targets = [
    none('channels left', last.channels),
    none('connections left', last.connections),
    { what: 'timers left', limit: `at most ${integer(first.timers)}, as before`, value: integer(last.timers), ok: last.timers <= first.timers },
    { what: 'MiB of heap left', limit: `at most ${mebibytes(MAX_HEAP_GROWTH)}`, value: mebibytes(grown), ok: grown <= MAX_HEAP_GROWTH }
  ]
  const parts = [
    `## ${integer(connections)} connects and disconnects`,
    provenance(result.machine),
    `Each subscriber has a channel of its own and leaves by close handshake, plain end, reset, or reset before the server has answered. ${integer(warmUp)} come before the first sample. ` +
    'The plugin runs in a process that collects garbage before each sample.',
    verdicts(targets),
    table(['after', 'heap, MiB', 'RSS, MiB', 'channels', 'connections', 'timers'],
      samples.map(({ after, heapBytes, residentBytes, channels, connections: open, timers }) =>
        [integer(after), mebibytes(heapBytes), mebibytes(residentBytes), integer(channels), integer(open), integer(timers)]))
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
