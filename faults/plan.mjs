import { KINDS } from './faults.mjs'

/** The parts of a run in which faults happen: not before everybody receives, and not after the last message. */
const FROM = 0.04
const UNTIL = 0.92

/**
 * Decides every fault before the run: its kind, its time, whom it hits and how hard. Each kind comes at least once when there
 * are enough faults; beyond that their weights decide.
 * @param shape how many there are of whom, what the channels are called, and whether there is a Redis, with Sentinels
 * @param only the kinds that may come; all when it is empty
 */
export function planFaults (prng, count, durationMs, shape, only = []) {
  const allowed = Object.entries(KINDS).filter(([kind, { ofRedis, setup }]) => (!ofRedis || shape.redis) && (setup === undefined || setup === (shape.sentinel ? 'sentinel' : 'server')) && (only.length === 0 || only.includes(kind)))
  if (allowed.length < only.length || allowed.length === 0) throw new Error(`kinds of faults are ${Object.keys(KINDS).join(', ')}; those of Redis need --redis, some of them --sentinel, some of them not`)
  const weights = Object.fromEntries(allowed.map(([kind, { weight, weightWithRedis = weight }]) => [kind, shape.redis ? weightWithRedis : weight]))
  const kinds = prng.shuffle(Object.keys(weights)).slice(0, count)
  while (kinds.length < count) kinds.push(prng.weighted(weights))
  return kinds
    .map((kind) => ({ at: Math.round(durationMs * (FROM + (UNTIL - FROM) * prng.next())), kind, ...KINDS[kind].draw(prng, shape) }))
    .sort((a, b) => a.at - b.at)
}

/** Brings every fault about in its time; resolves when all are over. */
export async function carryOut (plan, world, { wait, onFailure }) {
  const running = []
  for (const fault of plan) {
    await wait(fault.at)
    running.push(KINDS[fault.kind].apply(world, fault).catch((error) => { onFailure(`${fault.kind}: ${error.stack}`) }))
  }
  await Promise.all(running)
}
