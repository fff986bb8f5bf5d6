import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, Steps, until } from './redis-ask.mjs'
import { RedisServer } from './redis.mjs'
import { freePort } from '../scripts/free-port.mjs'

/** The name of the master in the configuration of the Sentinels. */
export const MASTER_NAME = 'main'
const SERVERS = 2
const SENTINELS = 3
const QUORUM = 2
/** Short, so that a run has many failovers. */
const DOWN_AFTER_MS = 1_000
const FAILOVER_TIMEOUT_MS = 3_000

/** With these a master that has lost its replica takes nothing. The lag is in whole seconds, and a replica tells it once a second. */
export const MIN_REPLICAS = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2']

/**
 * A master, a replica and the Sentinels that watch them. Replication is asynchronous, as it is by default, and, unless asked for,
 * nothing makes a master refuse writes that has lost its replica: what was acknowledged last may be lost with each failover.
 */
export class RedisGroup {
  /** Failovers that were brought about. */
  restarts = 0
  #servers = []
  #sentinels = []
  #directory = mkdtempSync(join(tmpdir(), 'faults-sentinel-'))
  #master
  #settings
  #onFailure
  #steps

  /** @param onFailure is told when a process ends by itself */
  constructor (onFailure, { minReplicas = false } = {}) {
    this.#onFailure = onFailure
    this.#settings = ['--repl-diskless-sync-delay', '0', ...minReplicas ? MIN_REPLICAS : []]
    this.#steps = new Steps(() => this.#settled(), onFailure)
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
      const server = new RedisServer(await freePort(), this.#onFailure, () => [...this.#settings, ...server === this.#master ? [] : ['--replicaof', '127.0.0.1', String(this.#master.port)]])
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
  failOver ({ downMs, onDown }) {
    return this.#steps.take(async () => {
      this.restarts++
      const old = this.#master
      await old.kill()
      onDown()
      await until('a failover', async () => await this.#find() !== old)
      return async () => {
        await delay(downMs)
        await old.start()
      }
    })
  }

  /** The Sentinels are asked to make the replica the master; resolves when it is. */
  switchOver ({ onDown }) {
    return this.#steps.take(async () => {
      this.restarts++
      const old = this.#master
      onDown()
      await until('a failover', async () => {
        if (await this.#find() !== old) return true
        // Sentinels refuse one, or give up one that they have begun, while the replica does not suit them.
        if (await this.#rests(old)) await ask(this.#sentinels[0], 'SENTINEL', 'FAILOVER', MASTER_NAME)
        return false
      })
    })
  }

  /** The master pauses; after a long pause the replica takes over, and there are two for a while: resolves when one is there to stay. */
  standStill ({ ms, onDown }) {
    return this.#steps.take(async () => {
      const old = this.#master
      // Whether there is a failover is known too late: subscribers may have been told of a loss by then.
      if (ms >= DOWN_AFTER_MS / 2) onDown()
      let isOver = false
      const paused = old.pause(ms).then(() => { isOver = true })
      await until('a master', async () => isOver || await this.#find() !== old)
      return async () => {
        await paused
        await this.#settled()
        if (this.#master !== old) this.restarts++
      }
    })
  }

  /** Resolves when what was brought about is over and a master has its replica. */
  async settle () {
    await this.#steps.take(() => undefined)
  }

  /** Closes all servers and removes their files, in any state. */
  close () {
    for (const server of [...this.#sentinels, ...this.#servers]) server.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** The master by what most of the Sentinels say. */
  async #find () {
    const answers = await Promise.all(this.#sentinels.map(async (sentinel) => (await ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME))?.[1]))
    return this.#servers.find(({ port }) => answers.filter((answer) => answer === String(port)).length >= QUORUM) ?? this.#master
  }

  /** Whether the first Sentinel holds a server for the master and changes nothing. */
  async #rests ({ port }) {
    const fields = (await ask(this.#sentinels[0], 'SENTINEL', 'MASTER', MASTER_NAME))?.map(String) ?? []
    const [found, flags] = ['port', 'flags'].map((name) => fields[fields.indexOf(name) + 1] ?? '')
    return found === String(port) && !flags.includes('failover_in_progress')
  }

  /** Resolves when one is the master, the other follows it, and the Sentinels know and would change that. */
  async #settled () {
    await until('a master, a replica and Sentinels that agree', async () => {
      this.#master = await this.#find()
      const replica = this.#servers.find((server) => server !== this.#master)
      const [master, following] = await Promise.all([this.#master, replica].map(async (server) => String(await ask(server, 'INFO', 'replication'))))
      if (!master.includes('role:master') || !/state=online/.test(master) || !following.includes('master_link_status:up')) return false
      const views = await Promise.all(this.#sentinels.map(async (sentinel) => [
        String(await ask(sentinel, 'SENTINEL', 'CKQUORUM', MASTER_NAME)), String((await ask(sentinel, 'SENTINEL', 'REPLICAS', MASTER_NAME))?.flat())
      ]))
      return views.every(([quorum, replicas]) => quorum.startsWith(`OK ${SENTINELS} `) && replicas.includes(String(replica.port)) && !/s_down|disconnected/.test(replicas))
    })
  }
}
