// The targets of the service, and whether one run reaches them.
import { integer, kibibytes, number } from './format.mjs'

const SERVICE = 'messenger'
const RELAY = 'messenger-relay'
const SSE = 'messenger-sse'
const BASELINE = 'express-ws'
const NCHAN = 'nchan'
const MAX_BYTES_PER_CONNECTION = 6 * 1_024

/** `value(case, peer, member)` gives a median, or undefined where nothing was measured. */
export function peerTargets (value) {
  const ratio = (id, peer, other, member) => {
    const [a, b] = [value(id, peer, member), value(id, other, member)]
    return a === undefined || b === undefined ? undefined : a / b
  }
  const atMost = (what, limit, actual, shown = number) =>
    ({ what, limit: `at most ${shown(limit)}`, value: actual === undefined ? undefined : shown(actual), ok: actual <= limit })
  const cpu = (id, peer, other, limit, what) => atMost(what, limit, ratio(id, peer, other, 'cpuPerUnit'))
  const postsRatio = ratio('posts', SERVICE, BASELINE, 'perSecond')

  return [
    cpu('w16', SERVICE, BASELINE, 1 / 6, '16 in flight, server CPU per delivery relative to the baseline'),
    cpu('w16', SERVICE, NCHAN, 1 / 2, '16 in flight, server CPU per delivery relative to nchan'),
    cpu('w1', SERVICE, BASELINE, 0.85, '1 in flight, server CPU per delivery relative to the baseline'),
    { what: 'posts/s to an empty channel relative to Express', limit: 'at least 4.00', value: postsRatio === undefined ? undefined : number(postsRatio), ok: postsRatio >= 4 },
    atMost('KiB of resident memory per idle connection', MAX_BYTES_PER_CONNECTION, value('memory', SERVICE, 'bytesPerConnection'), kibibytes),
    cpu('w1', SERVICE, RELAY, 1.1, '1 in flight, server CPU per delivery with history relative to without'),
    cpu('w16', SERVICE, RELAY, 1.1, '16 in flight, server CPU per delivery with history relative to without'),
    cpu('w1', SSE, SERVICE, 1.2, '1 in flight, server CPU per delivery of SSE relative to WebSocket'),
    cpu('w16', SSE, SERVICE, 1.2, '16 in flight, server CPU per delivery of SSE relative to WebSocket'),
    ...[[SERVICE, 'WebSocket'], [SSE, 'SSE']].map(([peer, transport]) => exact(transport, value('exact', peer, 'frames'), value('exact', peer, 'expected'), value('exact', peer, 'exact')))
  ]
}

function exact (transport, frames, expected, ok) {
  return {
    what: `${transport}: every message to every subscriber exactly once, in order, ids contiguous`,
    limit: `exactly ${integer(expected ?? 0)} frames`,
    value: frames === undefined ? undefined : `${integer(frames)} frames`,
    ok
  }
}
