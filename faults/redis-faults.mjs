import { setTimeout as delay } from 'node:timers/promises'

/** Within this an instance notices that a connection to Redis is half-open. */
const NOTICE_MS = 4_000

/**
 * The kinds of faults between the instances and Redis, and of Redis itself. Those of one instance leave the others as they are;
 * those of the server hit all.
 */
export const REDIS_KINDS = {
  /** Redis is killed and comes back with its data. */
  'redis-kill': {
    ofRedis: true,
    setup: 'server',
    weight: 12,
    draw: drawOutage,
    apply: (world, { kind, ms }) => returns(world, kind, world.redis.restart({ keepsData: true, downMs: ms }))
  },
  /** Redis is killed and comes back with nothing. */
  'redis-lost': {
    ofRedis: true,
    setup: 'server',
    weight: 8,
    draw: drawOutage,
    apply: (world, { kind, ms }) => returns(world, kind, world.redis.restart({ keepsData: false, downMs: ms, onDown () { world.oracle.loseData() } }))
  },
  /**
   * Redis comes back without the last of its data. Instances live on meanwhile, and reach it: what only one knew of that is dead or
   * cut off is the loss that nobody can notice in time (docs/instances.md).
   */
  'redis-rewind': {
    ofRedis: true,
    setup: 'server',
    weight: 5,
    draw: (prng) => ({ ...drawOutage(prng), windowMs: prng.integer(50, 500), part: prng.next() }),
    apply: (world, { kind, ms, windowMs, part }) => world.knowledge.close(async () => {
      await returns(world, kind, world.redis.rewind({ ready: () => everyInstanceIsReady(world), windowMs, part, downMs: ms, onDown () { world.oracle.loseData() } }))
      await everyInstanceIsReady(world)
    })
  },
  /** The master is killed, and its replica takes over with what it has. Nobody who knows more is dead or cut off, see above. */
  'redis-failover': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 12,
    draw: drawOutage,
    apply: (world, { kind, ms }) => takesOver(world, kind, (ports) => world.redis.failOver({ ...ports, downMs: ms }))
  },
  /** The Sentinels are asked for another master; the old one serves until it is told. */
  'redis-switch': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 8,
    draw: () => ({}),
    apply: (world, { kind }) => takesOver(world, kind, (ports) => world.redis.switchOver(ports))
  },
  /** The master stands still, mostly for too short a time for its replica to take over; afterwards there may be two for a while. */
  'redis-standstill': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 8,
    draw: (prng) => ({ ms: prng.chance(0.5) ? prng.integer(300, 900) : prng.integer(900, 5_000) }),
    apply: (world, { kind, ms }) => takesOver(world, kind, (ports) => world.redis.standStill({ ...ports, ms }))
  },
  /** Redis stands still. */
  'redis-pause': {
    ofRedis: true,
    setup: 'server',
    weight: 10,
    draw: (prng) => ({ ms: prng.chance(0.85) ? prng.integer(500, 1_200) : prng.integer(1_200, 5_000) }),
    apply: (world, { kind, ms }) => returns(world, kind, world.redis.pause(ms))
  },
  /** The connections of one instance to Redis break, at once or after some more bytes. */
  'redis-cut': {
    ofRedis: true,
    weight: 30,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), how: prng.pick(['reset', 'end', 'destroy']), after: prng.chance(0.5) ? prng.integer(1, 4_000) : 0, one: prng.chance(0.5) ? prng.next() : undefined }),
    apply: (world, { kind, instance, how, after, one }) => world.knowledge.share(async () => {
      world.recovery.disturb()
      for (const connection of connectionsOf(world, instance, one)) {
        const expect = () => { world.recovery.expect(world.historiesOn(instance), kind) }
        if (after > 0) connection.cutAfter(after, expect)
        else { connection.cut(how); expect() }
      }
    })
  },
  /** Connections of one instance to Redis are half-open. */
  'redis-stall': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), one: prng.chance(0.5) ? prng.next() : undefined }),
    apply: (world, { kind, instance, one }) => world.knowledge.share(async () => {
      world.recovery.disturb()
      for (const connection of connectionsOf(world, instance, one)) connection.stall()
      world.recovery.expect(world.historiesOn(instance), kind)
      await delay(NOTICE_MS)
    })
  },
  /** Nothing moves between one instance and Redis, or on one of the connections, and then everything arrives. */
  'redis-freeze': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), one: prng.chance(0.5) ? prng.next() : undefined, ms: prng.integer(200, 3_000) }),
    apply: (world, { kind, instance, one, ms }) => world.knowledge.share(async () => {
      world.recovery.disturb()
      const connections = connectionsOf(world, instance, one)
      for (const connection of connections) connection.freeze()
      await delay(ms)
      for (const connection of connections) connection.heal()
      world.recovery.expect(world.historiesOn(instance), kind)
    })
  },
  /** One instance is cut off: new connections to Redis are refused, or never answered. */
  'redis-off': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), condition: prng.pick(['refuses', 'swallows']), ms: prng.integer(500, 2_500) }),
    apply: (world, { kind, instance, condition, ms }) => world.knowledge.share(async () => {
      world.recovery.disturb()
      const link = world.redisLinks[instance]
      link[condition] = true
      for (const connection of connectionsOf(world, instance)) {
        if (condition === 'refuses') connection.cut()
        else connection.stall()
      }
      await delay(ms)
      link[condition] = false
      world.recovery.expect(world.historiesOn(instance), kind)
    })
  }
}

function drawOutage (prng) {
  return { ms: prng.chance(0.85) ? prng.integer(0, 400) : prng.integer(400, 3_000) }
}

function drawInstance (prng, { instances }) {
  return { instance: prng.integer(0, instances - 1) }
}

/** The connections of an instance to Redis: all, or the one that stands at that part of the list. */
function connectionsOf ({ redisLinks }, instance, one) {
  const all = [...redisLinks[instance].connections]
  return one === undefined ? all : all.slice(Math.floor(one * all.length)).slice(0, 1)
}

async function everyInstanceIsReady ({ instances }) {
  await Promise.all(instances.map((instance) => instance.ready()))
}

/** Another master takes over while nobody who knows more than it is dead or cut off. */
function takesOver (world, kind, step) {
  return world.knowledge.close(async () => {
    await returns(world, kind, step({ ready: () => everyInstanceIsReady(world), onDown () { world.oracle.loseData() } }))
    await everyInstanceIsReady(world)
  })
}

/** Measures from when Redis is back. */
async function returns (world, kind, back) {
  await back
  world.recovery.expectTogether(world.histories(), kind)
}
