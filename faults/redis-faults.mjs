import { setTimeout as delay } from 'node:timers/promises'

/**
 * The kinds of faults between the instances and Redis, and of Redis itself. Those of one instance leave the others as they are;
 * those of the servers hit all. Nothing keeps them from meeting.
 */
export const REDIS_KINDS = {
  /** Redis is killed and comes back with its data. */
  'redis-kill': {
    ofRedis: true,
    setup: 'redis',
    weight: 12,
    draw: drawOutage,
    apply: (world, { kind, ms }) => returns(world, kind, (onDown) => world.redis.restart({ keepsData: true, downMs: ms, onDown }))
  },
  /** Redis is killed and comes back with nothing. */
  'redis-lost': {
    ofRedis: true,
    setup: 'redis',
    weight: 8,
    draw: drawOutage,
    apply: (world, { kind, ms }) => loses(world, kind, (onDown) => world.redis.restart({ keepsData: false, downMs: ms, onDown }))
  },
  /** Redis comes back without the last of its data, which may include what it knew of the instances. */
  'redis-rewind': {
    ofRedis: true,
    setup: 'redis',
    weight: 5,
    draw: (prng) => ({ ...drawOutage(prng), windowMs: prng.integer(50, 500), part: prng.next() }),
    async apply (world, { kind, ms, windowMs, part }) {
      let from
      await loses(world, kind, (onDown) => world.redis.rewind({
        windowMs,
        part,
        downMs: ms,
        onWindow () { from = world.now() },
        onDown () {
          world.register.lose(from)
          onDown()
        }
      }))
    }
  },
  /** The master is killed, and its replica takes over with what it has. */
  'redis-failover': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 12,
    draw: drawOutage,
    apply: (world, { kind, ms }) => loses(world, kind, (onDown) => world.redis.failOver({ downMs: ms, onDown }))
  },
  /** The Sentinels are asked for another master; the old one serves until it is told. */
  'redis-switch': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 8,
    draw: () => ({}),
    apply: (world, { kind }) => loses(world, kind, (onDown) => world.redis.switchOver({ onDown }))
  },
  /** The master stands still, mostly for too short a time for its replica to take over; afterwards there may be two for a while. */
  'redis-standstill': {
    ofRedis: true,
    setup: 'sentinel',
    weight: 8,
    draw: drawStandstill,
    apply: (world, { kind, ms }) => loses(world, kind, (onDown) => world.redis.standStill({ ms, onDown }))
  },
  /** A shard's master is killed, and its replica takes over with what it has. */
  'cluster-failover': {
    ofRedis: true,
    setup: 'cluster',
    weight: 12,
    draw: (prng) => ({ ...drawShard(prng), ...drawOutage(prng) }),
    apply: (world, { kind, ms, shard }) => loses(world, kind, (onDown) => world.redis.failOver({ shard, downMs: ms, onDown }))
  },
  /** A replica is told to take over, in agreement with its master or without. */
  'cluster-switch': {
    ofRedis: true,
    setup: 'cluster',
    weight: 12,
    draw: (prng) => ({ ...drawShard(prng), mode: prng.pick(['', 'FORCE', 'TAKEOVER']) }),
    apply: (world, { kind, shard, mode }) => loses(world, kind, (onDown) => world.redis.switchOver({ shard, mode, onDown }))
  },
  /** A shard's master stands still; afterwards there may be two for a while. */
  'cluster-standstill': {
    ofRedis: true,
    setup: 'cluster',
    weight: 8,
    draw: (prng) => ({ ...drawShard(prng), ...drawStandstill(prng) }),
    apply: (world, { kind, ms, shard }) => loses(world, kind, (onDown) => world.redis.standStill({ shard, ms, onDown }))
  },
  /** The slot of a channel, or that of what the instances share, is moved to another shard. */
  'cluster-slot': {
    ofRedis: true,
    setup: 'cluster',
    weight: 16,
    draw: (prng, { channels }) => ({ key: prng.pick([...channels.map((channel) => `{${channel}}`), 'messenger:nodes']), by: prng.integer(1, 2) }),
    apply: (world, { kind, key, by }) => loses(world, kind, (onDown) => world.redis.moveSlot({ key, by, onDown }))
  },
  /** Redis stands still. */
  'redis-pause': {
    ofRedis: true,
    setup: 'redis',
    weight: 10,
    draw: (prng) => ({ ms: prng.chance(0.85) ? prng.integer(500, 1_200) : prng.integer(1_200, 5_000) }),
    apply: (world, { kind, ms }) => returns(world, kind, () => world.redis.pause(ms))
  },
  /** The connections of one instance to Redis break, at once or after some more bytes. */
  'redis-cut': {
    ofRedis: true,
    weight: 30,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), how: prng.pick(['reset', 'end', 'destroy']), after: prng.chance(0.5) ? prng.integer(1, 4_000) : 0, one: prng.chance(0.5) ? prng.next() : undefined }),
    async apply (world, { kind, instance, how, after, one }) {
      hitInstance(world, instance)
      for (const connection of connectionsOf(world, instance, one)) {
        const expect = () => { expectInstance(world, instance, kind) }
        if (after > 0) connection.cutAfter(after, expect)
        else { connection.cut(how); expect() }
      }
    }
  },
  /** Connections of one instance to Redis are half-open. */
  'redis-stall': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), one: prng.chance(0.5) ? prng.next() : undefined }),
    async apply (world, { kind, instance, one }) {
      hitInstance(world, instance)
      for (const connection of connectionsOf(world, instance, one)) connection.stall()
      expectInstance(world, instance, kind)
    }
  },
  /** Nothing moves between one instance and Redis, or on one of the connections, and then everything arrives. */
  'redis-freeze': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({
      ...drawInstance(prng, shape),
      one: prng.chance(0.5) ? prng.next() : undefined,
      ms: prng.integer(200, 3_000)
    }),
    async apply (world, { kind, instance, one, ms }) {
      hitInstance(world, instance)
      const connections = connectionsOf(world, instance, one)
      for (const connection of connections) connection.freeze()
      await delay(ms)
      for (const connection of connections) connection.heal()
      expectInstance(world, instance, kind)
    }
  },
  /** One instance is cut off: new connections to Redis are refused, or never answered. */
  'redis-off': {
    ofRedis: true,
    weight: 20,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), condition: prng.pick(['refuses', 'swallows']), ms: prng.integer(500, 2_500) }),
    async apply (world, { kind, instance, condition, ms }) {
      hitInstance(world, instance)
      const link = world.redisLinks[instance]
      link[condition] = true
      for (const connection of connectionsOf(world, instance)) {
        if (condition === 'refuses') connection.cut()
        else connection.stall()
      }
      await delay(ms)
      link[condition] = false
      expectInstance(world, instance, kind)
    }
  },
  /** An instance stands still, for longer than any limit within which others wait for it or not. */
  standstill: {
    ofRedis: true,
    share: 0.04,
    draw: (prng, shape) => ({ ...drawInstance(prng, shape), ms: prng.chance(0.5) ? prng.integer(300, 2_000) : prng.integer(2_000, 6_000) }),
    async apply (world, { kind, instance, ms }) {
      await world.instances[instance].pause(ms, () => { hitInstance(world, instance) })
      expectInstance(world, instance, kind)
    }
  }
}

/** A fault hits one instance: it may be missing when the others take over the logs of a new master. */
export function hitInstance (world, instance) {
  world.recovery.disturb()
  world.readiness.disturb([world.instances[instance]])
  world.oracle.excuseGaps()
}

function expectInstance (world, instance, kind) {
  world.recovery.expect(world.historiesOn(instance), kind)
  world.readiness.expect(kind, [world.instances[instance]])
}

function drawOutage (prng) {
  return { ms: prng.chance(0.85) ? prng.integer(0, 400) : prng.integer(400, 3_000) }
}

function drawStandstill (prng) {
  return { ms: prng.chance(0.5) ? prng.integer(300, 900) : prng.integer(900, 5_000) }
}

function drawInstance (prng, { instances }) {
  return { instance: prng.integer(0, instances - 1) }
}

function drawShard (prng) {
  return { shard: prng.integer(0, 2) }
}

/** The connections of an instance to Redis: all, or the one that stands at that part of the list. */
function connectionsOf ({ redisLinks }, instance, one) {
  const all = [...redisLinks[instance].connections]
  return one === undefined ? all : all.slice(Math.floor(one * all.length)).slice(0, 1)
}

/** Measures from when Redis is back. What is brought about at the same time waits for its turn, so the fault begins with `onDown`. */
async function returns (world, kind, step) {
  await step(() => { world.readiness.disturb() })
  world.recovery.expectTogether(world.histories(), kind)
  world.readiness.expect(kind)
}

/** The same where data may be lost. */
function loses (world, kind, step) {
  return returns(world, kind, (onDown) => step(() => {
    world.oracle.loseData()
    onDown()
  }))
}
