import { MAX_FOREIGN } from '../measure/cores.mjs'
import { countFailed, integer, number, provenance, table, verdicts } from './format.mjs'

const MAX_SERVER_MICROSECONDS = 12
const NAMES = { publisher: '`fastify-messenger/publisher`, all in one tick', posts: 'a `POST /send/:channel` each, 32 keep-alive connections' }

/** The section on the publisher. */
export function publisherSection (result) {
  const { channels, ways, foreign } = result
  const { serverPerMessage } = ways.publisher
  const targets = [{
    what: 'µs of server CPU a message of the publisher',
    limit: `at most ${number(MAX_SERVER_MICROSECONDS)}`,
    value: number(serverPerMessage),
    ok: serverPerMessage <= MAX_SERVER_MICROSECONDS
  }]
  const parts = [
    '## The publisher',
    provenance(result.machine),
    `${integer(channels)} messages of 100 bytes to ${integer(channels)} channels with one WebSocket subscriber each; a round ends when every message has arrived. The ways take turns. ` +
      `Others used ${number(100 * foreign)} % of a core meanwhile${foreign > MAX_FOREIGN ? ': not a quiet machine' : ''}.`,
    verdicts(targets),
    table(['', 'server CPU µs/message', 'publishing program CPU µs/message', 'messages/s'], Object.entries(ways).map(([name, way]) =>
      [NAMES[name], number(way.serverPerMessage), number(way.loadPerMessage), integer(way.perSecond)]))
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
