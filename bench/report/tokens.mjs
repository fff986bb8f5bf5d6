import { countFailed, integer, number, table, verdicts, whereabouts } from './format.mjs'

const MAX_HS256_MICROSECONDS = 50

/** The section on the check of subscribers' tokens. */
export function tokensSection (result) {
  const { checks, rounds, rows } = result
  const { microseconds } = rows.find(({ algorithm }) => algorithm === 'HS256')
  const targets = [{
    what: 'µs of CPU to check a token of HS256', limit: `at most ${number(MAX_HS256_MICROSECONDS)}`, value: number(microseconds), ok: microseconds <= MAX_HS256_MICROSECONDS
  }]
  const parts = [
    '## Checking a token',
    `${whereabouts(result.machine)}.`,
    `One process checks ${integer(checks)} tokens one after the other, a hundred different ones with issuer, audience, subject, id and three channels; medians of ${rounds} rounds. Once a subscription.`,
    verdicts(targets),
    table(['algorithm', 'characters', 'µs of CPU', 'checks/s a core'], rows.map(({ algorithm, characters, microseconds: each }) => [algorithm, integer(characters), number(each), integer(1e6 / each)]))
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
