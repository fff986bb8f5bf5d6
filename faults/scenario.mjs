import { setTimeout as delay } from 'node:timers/promises'
import { carryOut, planFaults } from './plan.mjs'
import { Presence } from './presence.mjs'
import { Prng } from './prng.mjs'
import { whileProgressing } from './progress.mjs'
import { CHANNELS, World } from './world.mjs'

/** Once everybody has the last message: the time in which one too many would show. */
const LINGER_MS = 500
const LATE = Symbol('late')

/** The plan of a run, which its seed decides beforehand. */
export function planOf (seed, { faults, seconds, subscribers, shared, publishers, instances, setup, only }) {
  const shape = { subscribers: subscribers + shared, single: subscribers, publishers, instances, setup, channels: Object.keys(CHANNELS) }
  return planFaults(new Prng(seed).fork('plan'), faults, seconds * 1_000, shape, only)
}

/** One run: everybody starts, messages flow while faults happen, everything heals, all catch up, the oracle decides. */
export async function runScenario (seed, options) {
  const begin = performance.now()
  const now = () => performance.now() - begin
  const world = new World(new Prng(seed), now)
  const { oracle, publishers, subscribers } = world
  const presence = new Presence(world, new Prng(seed).fork('presence'))
  const settleMs = 1_000 * options.settle
  const late = (ms, what) => { oracle.report({ kind: 'timeout', text: `${what} took longer than ${Math.round(ms / 1_000)} s` }) }
  const within = async (ms, what, promise) => {
    let timer
    const timeout = new Promise((resolve) => { timer = setTimeout(resolve, ms, LATE) })
    if (await Promise.race([promise, timeout]) === LATE) late(ms, what)
    clearTimeout(timer)
  }
  try {
    await world.create(options)
    await within(settleMs, 'the first connections', Promise.all(subscribers.map((subscriber) => subscriber.start())))
    presence.start()
    const flowing = now()
    const plan = planOf(seed, options)
    const share = Math.ceil(options.messages / publishers.length)
    let isSent = false
    void Promise.all(publishers.map((publisher) => publisher.run(share, 1_000 * options.seconds))).then(() => { isSent = true })
    const current = new Set()
    let [steps, areOver] = [0, false]
    void carryOut(plan, world, {
      wait: (at) => delay(Math.max(0, flowing + at - now())),
      onBegin: (fault) => { steps++; current.add(fault) },
      onEnd: (fault) => { steps++; current.delete(fault) },
      onFailure: (text) => { oracle.report({ kind: 'harness', text }) }
    }).then(() => { areOver = true })
    // A busy machine takes longer for a fault than for the pause between two.
    if (!await whileProgressing(() => areOver, () => steps, settleMs)) late(settleMs, current.size === 0 ? 'the next fault' : `the end of ${[...current].map(({ kind }) => kind).join(', ')}`)
    world.heal()
    await world.settle(settleMs)
    const whoIsThere = presence.verify()
    // However much faults have left to be done, and however busy the machine is.
    if (!await whileProgressing(() => isSent, () => oracle.acknowledged, settleMs)) late(settleMs, 'another acknowledgement')
    // A late publisher is a violation of its own, and must not publish after the last message.
    for (const publisher of publishers) publisher.stop()
    const sent = now()
    await within(settleMs, 'asking for all channels', world.gather())
    await within(settleMs, 'publishing the last messages', markChannels(world))
    await everybodyCatchesUp(world, settleMs)
    const settledMs = now() - sent
    await delay(LINGER_MS)
    await whoIsThere
    presence.close()
    await world.end()
    return { ...numbers(world, plan), settledMs, durationMs: now() }
  } finally {
    presence.close()
    world.close()
  }
}

/** Publishes the last message of each channel. */
async function markChannels ({ oracle, extra, allChannels }) {
  for (const { channel, id } of await extra.publishEach(allChannels)) if (id !== undefined) oracle.mark(channel, id)
}

/** Waits until every subscriber has the last messages. A subscriber that does not is reported by the oracle. */
async function everybodyCatchesUp ({ oracle }, stallMs) {
  const isThere = (history) => oracle.isComplete(history) || (history.mayLeave && history.lastGap !== undefined)
  await whileProgressing(() => oracle.histories.every(isThere), () => oracle.deliveries, stallMs)
}

function numbers ({ oracle, recovery, readiness, instances, redis, publishers, subscribers, shared, extra, channels }, plan) {
  const faults = {}
  for (const { kind } of plan) faults[kind] = (faults[kind] ?? 0) + 1
  const closes = {}
  const counts = subscribers.flatMap((subscriber) => Object.entries(subscriber.closes))
  for (const [code, times] of counts) closes[code] = (closes[code] ?? 0) + times
  return {
    ...oracle.conclude(),
    subscribers: subscribers.length - shared.length,
    shared: shared.length,
    frames: Object.fromEntries(['channels', 'tokens'].map((name) => [name, shared.reduce((sum, { frames }) => sum + frames[name], 0)])),
    channels: channels.length,
    reconnects: subscribers.reduce((sum, { reconnects }) => sum + reconnects, 0),
    closes,
    retries: [...publishers, extra].reduce((sum, { retries }) => sum + retries, 0),
    unavailable: [...publishers, extra].reduce((sum, { unavailable }) => sum + unavailable, 0),
    instances: instances.length,
    restarts: instances.reduce((sum, { restarts }) => sum + restarts, 0),
    ...redis && { redisRestarts: redis.restarts, caughtUp: recovery.together, ready: readiness.samples, slowest: readiness.slowest },
    ...redis?.moves !== undefined && { moves: redis.moves },
    faults,
    recovery: recovery.samples,
    violations: oracle.violations,
    violationCounts: oracle.counts
  }
}
