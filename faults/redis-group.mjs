import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { RedisServer } from './redis.mjs'
import { freePort } from './service.mjs'

/** What the Sentinels call the master. */
export const MASTER_NAME = 'main'
const SERVERS = 2
const SENTINELS = 3
const QUORUM = 2
/** Short, so that a run has many failovers. */
const DOWN_AFTER_MS = 1_000
const FAILOVER_TIMEOUT_MS = 3_000
/** A Sentinel waits for some seconds before it makes a replica of a master that comes back by itself. */
const SETTLE_TIMEOUT_MS = 60_000
const POLL_MS = 50

/**
 * A master, a replica and the Sentinels that watch them. Replication is asynchronous, as it is by default, and nothing makes a
 * master refuse writes that has lost its replica: what was acknowledged last may be lost with each failover.
 */
export class RedisGroup {
  /** Failovers that were brought about. */
  restarts = 0
  #servers = []
  #sentinels = []
  #directory = mkdtempSync(join(tmpdir(), 'faults-sentinel-'))
  #master
  #onFailure
  #turn = Promise.resolve()

  /** @param onFailure is told when a process ends by itself */
  constructor (onFailure) {
    this.#onFailure = onFailure
  }

  /** The ports of the servers. */
  get ports () {
    return this.#servers.map(({ port }) => port)
  }

  get sentinelPorts () {
    return this.#sentinels.map(({ port }) => port)
  }

  /** Starts everything; resolves when the Sentinels could make the replica the master. */
  async start () {
    for (let index = 0; index < SERVERS; index++) {
      const server = new RedisServer(await freePort(), this.#onFailure, () => ['--repl-diskless-sync-delay', '0', ...server === this.#master ? [] : ['--replicaof', '127.0.0.1', String(this.#master.port)]])
      this.#master ??= server
      this.#servers.push(server)
      await server.start()
    }
    for (let index = 0; index < SENTINELS; index++) {
      const config = join(this.#directory, `${index}.conf`)
      writeFileSync(config, `
        sentinel monitor ${MASTER_NAME} 127.0.0.1 ${this.#master.port} ${QUORUM}
        sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}
        sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}
      `)
      const sentinel = new RedisServer(await freePort(), this.#onFailure, () => [config, '--sentinel'])
      this.#sentinels.push(sentinel)
      await sentinel.start()
    }
    await this.#settled()
  }

  /** The master is killed; resolves when the replica has taken over. After some time it comes back as a replica. */
  failOver ({ ready, downMs, onDown }) {
    return this.#inTurn(async () => {
      await ready()
      this.restarts++
      const old = this.#master
      await old.kill()
      onDown()
      await this.#until('a failover', async () => await this.#find() !== old)
      return async () => {
        await delay(downMs)
        await old.start()
      }
    })
  }

  /** The Sentinels are asked to make the replica the master; resolves when it is. */
  switchOver ({ ready, onDown }) {
    return this.#inTurn(async () => {
      await ready()
      this.restarts++
      const old = this.#master
      onDown()
      await this.#until('the Sentinels to obey', async () => await this.#ask(this.#sentinels[0], 'SENTINEL', 'FAILOVER', MASTER_NAME) === 'OK')
      await this.#until('a failover', async () => await this.#find() !== old)
    })
  }

  /** The master stands still; when that is for long the replica takes over, and there are two for a while: resolves when there is one. */
  standStill ({ ready, ms, onDown }) {
    return this.#inTurn(async () => {
      await ready()
      const old = this.#master
      // Whether there is a failover is known too late: subscribers may have been told of a loss by then.
      if (ms >= DOWN_AFTER_MS - POLL_MS) onDown()
      await old.pause(ms)
      await this.#settled()
      if (this.#master !== old) this.restarts++
    })
  }

  /** Lets go of everything, whatever state it is in. */
  close () {
    for (const server of [...this.#sentinels, ...this.#servers]) server.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** The master by what most of the Sentinels say. */
  async #find () {
    const answers = await Promise.all(this.#sentinels.map(async (sentinel) => (await this.#ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME))?.[1]))
    return this.#servers.find(({ port }) => answers.filter((answer) => answer === String(port)).length >= QUORUM) ?? this.#master
  }

  /** Resolves when one is the master, the other follows it, and the Sentinels know and would change that. */
  async #settled () {
    await this.#until('a master, a replica and Sentinels that agree', async () => {
      this.#master = await this.#find()
      const replica = this.#servers.find((server) => server !== this.#master)
      const [master, following] = await Promise.all([this.#master, replica].map(async (server) => String(await this.#ask(server, 'INFO', 'replication'))))
      if (!master.includes('role:master') || !/state=online/.test(master) || !following.includes('master_link_status:up')) return false
      const views = await Promise.all(this.#sentinels.map(async (sentinel) => [
        String(await this.#ask(sentinel, 'SENTINEL', 'CKQUORUM', MASTER_NAME)), String((await this.#ask(sentinel, 'SENTINEL', 'REPLICAS', MASTER_NAME))?.flat())
      ]))
      return views.every(([quorum, replicas]) => quorum.startsWith(`OK ${SENTINELS} `) && replicas.includes(String(replica.port)) && !/s_down|disconnected/.test(replicas))
    })
  }

  /** Asks a server; `undefined` when it does not answer, or with an error. */
  async #ask ({ port }, ...command) {
    const client = new Redis({ port, lazyConnect: true, connectTimeout: 1_000, commandTimeout: 1_000, retryStrategy: null, enableReadyCheck: false, disableClientInfo: true }).on('error', () => {})
    try {
      await client.connect()
      return await client.call(...command)
    } catch {
      return undefined
    } finally {
      client.disconnect()
    }
  }

  async #until (what, condition) {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS
    while (!await condition()) {
      if (performance.now() > deadline) throw new Error(`no ${what} within ${SETTLE_TIMEOUT_MS} ms`)
      await delay(POLL_MS)
    }
  }

  /** Takes a step when the one before is over and everything has settled; it may give another one to take meanwhile. */
  #inTurn (step) {
    const done = this.#turn.then(step)
    this.#turn = done.then(async (next) => {
      await next?.()
      await this.#settled()
    }).catch((error) => { this.#onFailure(error.message) })
    return done
  }
}
