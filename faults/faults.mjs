import { setTimeout as delay } from 'node:timers/promises'
import { goOnline } from './browser.mjs'
import { hitInstance, REDIS_KINDS } from './redis-faults.mjs'
import { sharedTransportNames } from './shared-connection.mjs'
import { transportNames } from './subscriber.mjs'

/** Time limit for an end by SIGTERM: DRAIN_SECONDS, and the time that a process needs to exit. */
const TERM_TIMEOUT_MS = 8_000
const KILL_TIMEOUT_MS = 5_000
const FLOOD_MESSAGES = 160
const FLOOD_LENGTH = 30_000

/**
 * The kinds of faults. Each has
 * - `weight`: how often it comes, compared with the others; `weightWithRedis` where that differs;
 * - `ofRedis`: whether it needs one, and `setup`: which, where that matters;
 * - `share`: instead of a weight, how many come in addition, as a share of all;
 * - `draw(prng, shape)`: its particulars, which the seed decides before the run begins;
 * - `apply(world, fault)`: brings it about; resolves when it is over.
 */
export const KINDS = {
  /** A connection breaks, at once or after some more bytes. */
  cut: {
    weight: 50,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), how: prng.pick(['reset', 'end', 'destroy']), after: prng.chance(0.5) ? prng.integer(1, 4_000) : 0 }),
    async apply (world, { how, after, ...victims }) {
      for (const { connection, histories } of hit(world, victims)) {
        const expect = () => { world.recovery.expect(histories, 'cut') }
        if (after > 0) connection.cutAfter(after, expect)
        else { connection.cut(how); expect() }
      }
    }
  },
  /** A connection is half-open: a machine that slept, a router that forgot. */
  stall: {
    weight: 22,
    draw: drawVictims,
    async apply (world, victims) {
      for (const { connection, histories } of hit(world, victims)) {
        connection.stall()
        world.recovery.expect(histories, 'stall')
      }
    }
  },
  /** Nothing moves for a while, then everything arrives. */
  freeze: {
    weight: 20,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), ms: prng.integer(200, 3_000) }),
    apply: (world, fault) => impair(world, fault, (connection) => { connection.freeze() })
  },
  /** Every packet takes longer. */
  latency: {
    weight: 14,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), ms: prng.integer(500, 3_000), latencyMs: prng.integer(20, 300) }),
    apply: (world, fault) => impair(world, fault, (connection) => { connection.worsen({ latencyMs: fault.latencyMs }) })
  },
  /** Messages arrive in pieces of a few bytes. */
  split: {
    weight: 14,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), ms: prng.integer(500, 2_000), splitBytes: prng.integer(1, 64) }),
    apply: (world, fault) => impair(world, fault, (connection) => { connection.worsen({ splitBytes: fault.splitBytes }) })
  },
  /** A subscriber reads slowly while one of its channels is flooded. */
  slow: {
    weight: 10,
    draw: (prng, { subscribers, channels }) => ({
      subscribers: [prng.integer(0, subscribers - 1)],
      ms: prng.integer(1_000, 4_000),
      bytesPerSecond: prng.integer(20_000, 200_000),
      channel: prng.pick(channels)
    }),
    async apply (world, fault) {
      const flood = world.extra.publishAll(fault.channel, FLOOD_MESSAGES, FLOOD_LENGTH)
      await impair(world, fault, (connection) => { connection.worsen({ bytesPerSecond: fault.bytesPerSecond }) })
      await flood
    }
  },
  /** Connections break, and for a while there are no new ones. */
  outage: {
    weight: 10,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), one: undefined, ms: prng.integer(200, 2_000) }),
    apply: (world, fault) => close(world, fault, 'refuses')
  },
  /** Connections break, and for a while no WebSocket gets through. */
  firewall: {
    weight: 10,
    draw: (prng, shape) => ({ ...drawVictims(prng, shape), one: undefined, ms: prng.integer(1_000, 4_000) }),
    apply: (world, fault) => close(world, fault, 'blocksUpgrades')
  },
  /** A subscriber goes away and comes back on another transport. */
  switch: {
    weight: 18,
    draw (prng, { subscribers, single }) {
      const index = prng.integer(0, subscribers - 1)
      const transport = prng.pick(index < single ? transportNames : sharedTransportNames)
      return { subscribers: [index], transport, ms: prng.integer(0, 1_500) }
    },
    async apply (world, { subscribers: [index], transport, ms }) {
      const subscriber = world.subscribers[index]
      if (await subscriber.switchTo(transport, ms)) world.recovery.expect(subscriber.histories(), 'switch')
    }
  },
  /** The browser says that the network is back, and every client drops what it has. */
  online: {
    weight: 4,
    draw: () => ({}),
    async apply (world) {
      goOnline()
      world.recovery.expect(world.histories(), 'online')
    }
  },
  /** The answer to a publisher is lost on its way. */
  answer: {
    weight: 14,
    draw: (prng, { publishers }) => ({ publisher: prng.integer(0, publishers - 1), after: prng.integer(1, 100) }),
    async apply ({ publishers }, { publisher, after }) {
      for (const connection of publishers[publisher].link.connections) connection.cutAfter(after)
    }
  },
  /** A publisher's connection is half-open. */
  hang: {
    weight: 4,
    draw: (prng, { publishers }) => ({ publisher: prng.integer(0, publishers - 1) }),
    async apply ({ publishers }, { publisher }) {
      for (const connection of publishers[publisher].link.connections) connection.stall()
    }
  },
  /** The service is asked to end, and starts again. */
  term: { weight: 4, weightWithRedis: 18, draw: drawRestart, apply: (world, fault) => restart(world, fault, 'SIGTERM', TERM_TIMEOUT_MS) },
  /** The service dies, and starts again. */
  kill: { weight: 4, weightWithRedis: 18, draw: drawRestart, apply: (world, fault) => restart(world, fault, 'SIGKILL', KILL_TIMEOUT_MS) },
  ...REDIS_KINDS
}

/** One subscriber mostly, sometimes some or all; on each one connection, whichever stands at that part of the list, or every one. */
function drawVictims (prng, { subscribers }) {
  const everybody = prng.shuffle(Array.from({ length: subscribers }, (_, index) => index))
  const count = { one: 1, some: Math.ceil(subscribers / 5), all: subscribers }[prng.weighted({ one: 70, some: 20, all: 10 })]
  return { subscribers: everybody.slice(0, count), one: prng.chance(0.5) ? prng.next() : undefined }
}

function drawRestart (prng, { instances }) {
  return { ms: prng.integer(0, 1_000), ...instances > 1 && { instance: prng.integer(0, instances - 1) } }
}

/** The connections that a fault hits, each with the histories that depend on it. */
function hit (world, { subscribers, one }) {
  return subscribers.flatMap((index) => {
    const subscriber = world.subscribers[index]
    const all = [...subscriber.link.connections]
    const connections = one === undefined ? all : all.slice(Math.floor(one * all.length)).slice(0, 1)
    return connections.map((connection) => ({ connection, histories: subscriber.histories(connection.path) }))
  })
}

/** Makes connections worse for a while. */
async function impair (world, { kind, ms, ...victims }, worsen) {
  const targets = hit(world, victims)
  for (const { connection } of targets) worsen(connection)
  await delay(ms)
  for (const { connection, histories } of targets) {
    connection.heal()
    world.recovery.expect(histories, kind)
  }
}

/** Cuts the connections of subscribers and sets a condition for new ones for a while. */
async function close (world, { kind, ms, subscribers, ...victims }, condition) {
  for (const { connection } of hit(world, { subscribers, ...victims })) connection.cut()
  const hosts = subscribers.map((index) => world.subscribers[index])
  for (const { link } of hosts) link[condition] = true
  await delay(ms)
  for (const { link } of hosts) link[condition] = false
  world.recovery.expect(hosts.flatMap((subscriber) => subscriber.histories()), kind)
}

async function restart (world, { kind, ms, instance = 0 }, signal, timeoutMs) {
  world.recovery.disturb()
  let hit = world.histories()
  await world.instances[instance].restart(signal, {
    timeoutMs,
    downMs: ms,
    onSignal () {
      if (signal === 'SIGTERM') world.oracle.beginShutdown()
      if (world.redis) {
        hit = world.historiesOn(instance)
        hitInstance(world, instance)
      } else {
        world.oracle.loseData()
      }
      // Others go on: whoever was sent away is back before the instance is.
      if (world.instances.length > 1) world.recovery.expect(hit, kind)
    }
  })
  if (world.instances.length === 1) world.recovery.expect(hit, kind)
}
