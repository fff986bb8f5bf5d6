import { KINDS } from './faults.mjs'

/** The parts of a run in which faults happen: not before everybody receives, and not after the last message. */
const FROM = 0.04
const UNTIL = 0.92

/**
 * Decides every fault before the run: its kind, its time, whom it hits and how hard. Each kind comes at least once when there
 * are enough faults; beyond that their weights decide. Some come in addition.
 * @param shape how many there are of whom, what the channels are called, and what the instances share
 * @param only the kinds that may come; all when it is empty
 */
export function planFaults (prng, count, durationMs, shape, only = []) {
  const allowed = Object.entries(KINDS).filter(([kind, { ofRedis, setup }]) => {
    return (!ofRedis || shape.setup !== undefined) && (setup === undefined || setup === shape.setup) &&
      (only.length === 0 || only.includes(kind))
  })
  if (allowed.length < only.length || allowed.length === 0) throw new Error(`kinds of faults are ${Object.keys(KINDS).join(', ')}; those of Redis need --redis, --sentinel or --cluster, some of them a certain one`)
  const ordinary = allowed.filter(([, { weight }]) => weight !== undefined)
  const weights = Object.fromEntries(ordinary.map(([kind, { weight, weightWithRedis = weight }]) => {
    return [kind, shape.setup === undefined ? weight : weightWithRedis]
  }))
  const kinds = prng.shuffle(Object.keys(weights)).slice(0, count)
  while (kinds.length < count && ordinary.length > 0) kinds.push(prng.weighted(weights))
  const drawn = kinds.map((kind) => draw(prng, kind, durationMs, shape))
  for (const [kind, { share }] of allowed) {
    // Of a sequence of their own, so that they change nothing of the others.
    const own = prng.fork(kind)
    for (let left = share === undefined ? 0 : Math.ceil(share * count); left > 0; left--) drawn.push(draw(own, kind, durationMs, shape))
  }
  return drawn.sort((a, b) => a.at - b.at)
}

function draw (prng, kind, durationMs, shape) {
  return { at: Math.round(durationMs * (FROM + (UNTIL - FROM) * prng.next())), kind, ...KINDS[kind].draw(prng, shape) }
}

/** Brings every fault about in its time; resolves when all are over. `onBegin(fault)` and `onEnd(fault)` are called for each. */
export async function carryOut (plan, world, { wait, onBegin, onEnd, onFailure }) {
  const running = []
  for (const fault of plan) {
    await wait(fault.at)
    onBegin(fault)
    running.push(KINDS[fault.kind].apply(world, fault).catch((error) => { onFailure(`${fault.kind}: ${error.stack}`) }).then(() => { onEnd(fault) }))
  }
  await Promise.all(running)
}
