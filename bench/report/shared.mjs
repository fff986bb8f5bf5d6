import { countFailed, integer, number, percent, provenance, table, times, verdicts } from './format.mjs'
import { quietText } from './quiet.mjs'

const MAX_FURTHER_BYTES = 400
const MAX_RATIO = 1.3

/** The section on connections with several channels. */
export function sharedSection (result) {
  const { settings, channels, memory, bursts, entrants } = result
  const { connections, rounds, subscribers, repetitions, measureMs } = settings
  const [many, one] = ['channels', 'messages'].map((name) => bursts.find(({ id }) => id === name))
  const ratio = many.cpuPerUnit / one.cpuPerUnit
  const targets = [
    { what: 'bytes of a further channel of an idle connection', limit: `at most ${MAX_FURTHER_BYTES}`, value: integer(memory.further), ok: memory.further <= MAX_FURTHER_BYTES },
    { what: `server CPU per delivery, ${channels} channels a connection relative to ${channels} messages to one channel`, limit: `at most ${number(MAX_RATIO)}`, value: number(ratio), ok: ratio <= MAX_RATIO }
  ]
  const parts = [
    '## Several channels on one connection',
    provenance(result.machine),
    verdicts(targets),
    `### Heap and buffers of ${integer(connections)} idle connections, bytes of one`,
    table(['round', '1 channel', `${channels} channels`, 'a further channel'], [
      ...memory.rounds.map((round, index) => [String(index + 1), ...bytes(round)]), ['median', ...bytes(memory)]
    ]),
    `### ${integer(subscribers)} connections, bursts of ${channels} messages of 100 bytes`,
    table(['', 'CPU µs/delivery', '(lowest–highest)', 'relative', 'server core', 'load core'], bursts.map((row) => burstRow(row, one, entrants))),
    `- Memory: the plugin in a process that collects garbage before each sample, a fresh one for each figure; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.
- Bursts: one request publishes all messages of a burst, and the next one follows when every connection has them. Medians of ${repetitions} ${repetitions === 1 ? 'run' : 'runs'} of ${measureMs / 1_000} s, each with a fresh server, in turn.
- ${quietText(bursts)}`
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}

function bytes ({ one, many, further }) {
  return [one, many, further].map(integer)
}

function burstRow (row, one, entrants) {
  const { name } = entrants.find(({ id }) => id === row.id)
  if (row.error !== undefined) return [name, `failed: ${row.error.split('\n')[0]}`, '–', '–', '–', '–']
  const values = row.runs.map(({ cpuPerUnit }) => cpuPerUnit)
  return [
    name, number(row.cpuPerUnit), `${number(Math.min(...values))}–${number(Math.max(...values))}`, times(row.cpuPerUnit / one.cpuPerUnit),
    percent(row.serverBusy), percent(row.loadBusy)
  ]
}
