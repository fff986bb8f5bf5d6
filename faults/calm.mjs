import { setTimeout as delay } from 'node:timers/promises'
import { Prng } from './prng.mjs'
import { ask, until } from './redis-ask.mjs'
import { RedisServer } from './redis.mjs'
import { freePort } from '../scripts/free-port.mjs'
import { World } from './world.mjs'

const SHAPE = { publishers: 1, subscribers: 10, shared: 3, roams: false, instances: 2, minReplicas: false }
/** One subscriber in so many leaves before a term ends and comes back with its position. */
const RETURNING_EVERY = 3
const PUBLISH_EVERY_MS = 40
/** In which a replica has what its master took last. */
const REPLICATION_MS = 300
/** For as long a replica stays: an instance notices a term within that. */
const ATTACHED_MS = 2_000
const CATCH_UP_MS = 60_000
const POLL_MS = 20

/** Events that end the term of a server although nothing is lost. */
export const CASES = {
  restart: {
    text: 'Redis is killed and comes back with its data',
    setup: 'redis',
    async step ({ redis, prng, onBack }) {
      await redis.restart({ keepsData: true, downMs: prng.integer(0, 1_000) })
      onBack()
    }
  },
  /** Writes to an old master that does not know yet of its demotion are lost: nothing is published meanwhile. */
  failover: {
    text: 'SENTINEL FAILOVER',
    setup: 'sentinel',
    async step ({ redis, hold, release, onBack }) {
      await hold()
      await delay(REPLICATION_MS)
      await redis.switchOver({ onDown () {} })
      onBack()
      await redis.settle()
      release()
    }
  },
  /** Redis gives itself another `master_replid` when its first replica attaches, and when the last one has been gone for a while. */
  attach: {
    text: 'the first replica attaches and leaves again',
    setup: 'redis',
    async step ({ redis, onBack }) {
      const { port } = redis
      const term = async () => /master_replid:(\w+)/.exec(String(await ask({ port }, 'INFO', 'replication')))?.[1]
      await ask({ port }, 'CONFIG', 'SET', 'repl-backlog-ttl', '1')
      const before = await term()
      const replica = new RedisServer(await freePort(), (text) => { throw new Error(text) }, () => ['--replicaof', '127.0.0.1', String(port), '--repl-diskless-sync-delay', '0'])
      try {
        await replica.start()
        await until('a replica', async () => String(await ask({ port }, 'INFO', 'replication')).includes('state=online'))
        const attached = await term()
        if (attached === before) throw new Error('another master_replid was expected when a replica attaches')
        onBack()
        await delay(ATTACHED_MS)
        await replica.kill()
        await until('another term', async () => await term() !== attached)
      } finally {
        replica.close()
      }
    }
  }
}

/** Two instances on a quiet day. */
export class Calm {
  #prng
  #world
  #held = false
  #stopped = false
  #publishing = Promise.resolve()
  #loop

  constructor (seed) {
    this.#prng = new Prng(seed)
    const begin = performance.now()
    this.#world = new World(new Prng(seed), () => performance.now() - begin)
  }

  async create (setup) {
    const world = this.#world
    await world.create({ ...SHAPE, setup })
    await Promise.all(world.subscribers.map((subscriber) => subscriber.start()))
    this.#loop = this.#publish()
    await this.#everybodyHasAMarker()
  }

  /** The term ends once; resolves with the gaps that anybody was told of. */
  async takeRound (kind, step) {
    const world = this.#world
    const before = this.#gaps()
    const returning = world.subscribers.filter(({ transport }, index) => transport !== 'plain' && index % RETURNING_EVERY === 0)
    for (const subscriber of returning) void subscriber.switchTo(subscriber.transport, this.#prng.integer(0, 2_000))
    await step({
      redis: world.redis,
      prng: this.#prng,
      hold: () => this.#hold(),
      release: () => { this.#held = false },
      onBack () { world.readiness.expect(kind) }
    })
    await world.settle(CATCH_UP_MS)
    await this.#everybodyHasAMarker()
    return this.#gaps() - before
  }

  /** Everybody leaves; resolves with the numbers. */
  async end () {
    const { oracle, readiness } = this.#world
    this.#stopped = true
    await this.#loop
    await this.#everybodyHasAMarker()
    await this.#world.end()
    const ready = Object.values(readiness.samples).flat()
    return { ...oracle.conclude(), ready, violations: oracle.violations, violationCounts: oracle.counts }
  }

  close () {
    this.#stopped = true
    this.#world.close()
  }

  /** A connection of a plain WebSocket that is closed is a gap, too. */
  #gaps () {
    return this.#world.histories().reduce((sum, { gaps }) => sum + Object.values(gaps).reduce((all, times) => all + times, 0), 0)
  }

  async #publish () {
    const { publishers: [publisher], allChannels } = this.#world
    while (!this.#stopped) {
      if (!this.#held) await (this.#publishing = publisher.publishEach(allChannels))
      await delay(PUBLISH_EVERY_MS)
    }
  }

  async #hold () {
    this.#held = true
    await this.#publishing
  }

  async #everybodyHasAMarker () {
    const { oracle, extra, allChannels } = this.#world
    for (const { channel, id } of await extra.publishEach(allChannels)) oracle.mark(channel, id)
    const isComplete = () => oracle.histories.every((history) => oracle.isComplete(history))
    for (const end = performance.now() + CATCH_UP_MS; performance.now() < end && !isComplete();) await delay(POLL_MS)
  }
}
