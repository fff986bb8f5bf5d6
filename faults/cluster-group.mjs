import { setTimeout as delay } from 'node:timers/promises'
import { ask, Steps, tell, until } from './redis-ask.mjs'
import { MIN_REPLICAS } from './redis-group.mjs'
import { RedisServer } from './redis.mjs'
import { freePort } from '../scripts/free-port.mjs'

const SHARDS = 3
const SLOTS = 16_384
/** Short, so that a run has many failovers. */
const NODE_TIMEOUT_MS = 1_000
/** Keys that are moved at a time. */
const KEYS = 100
const MIGRATE_TIMEOUT_MS = 900

// The others go on when a shard is away, and a replica stays with its shard and takes over however old its data is.
const SETTINGS = [
  '--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--cluster-require-full-coverage', 'no',
  '--cluster-replica-validity-factor', '0', '--cluster-allow-replica-migration', 'no', '--repl-diskless-sync-delay', '0'
]

/** A cluster: in each shard two servers, of which either is the master. Replication is asynchronous. */
export class ClusterGroup {
  /** Failovers that were brought about. */
  restarts = 0
  /** Slots that were moved. */
  moves = 0
  /** `[server, server]` of each shard. */
  #shards = []
  #minReplicas
  #onFailure
  #steps

  /** @param onFailure is told when a process ends by itself */
  constructor (onFailure, { minReplicas = false } = {}) {
    this.#onFailure = onFailure
    this.#minReplicas = minReplicas ? MIN_REPLICAS : []
    this.#steps = new Steps(() => this.#settled(), onFailure)
  }

  get ports () {
    return this.#servers.map(({ port }) => port)
  }

  get #servers () {
    return this.#shards.flat()
  }

  /** Starts everything; resolves when each shard has a master and a replica, and all know it. */
  async start () {
    const buses = new Map()
    for (let index = 0; index < SHARDS; index++) this.#shards.push([await this.#createServer(buses), await this.#createServer(buses)])
    const servers = this.#servers
    await Promise.all(servers.map((server) => server.start()))
    for (const [index, server] of servers.entries()) await tell(server, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    for (const [index, [master]] of this.#shards.entries()) {
      await tell(master, 'CLUSTER', 'ADDSLOTSRANGE', Math.floor(SLOTS * index / SHARDS), Math.floor(SLOTS * (index + 1) / SHARDS) - 1)
    }
    for (const server of servers.slice(1)) await tell(servers[0], 'CLUSTER', 'MEET', '127.0.0.1', server.port, buses.get(server))
    await until('servers that know each other', async () => (await Promise.all(servers.map((server) => this.#view(server)))).every((nodes) => nodes?.length === servers.length && nodes.every(({ flags }) => !/handshake|noaddr/.test(flags))))
    for (const [master, replica] of this.#shards) {
      const id = await tell(master, 'CLUSTER', 'MYID')
      await until('a replica', async () => await ask(replica, 'CLUSTER', 'REPLICATE', id) === 'OK')
    }
    await this.#settled()
  }

  /** A replica is told to take over: in agreement with its master, without it, or by force. */
  switchOver ({ shard, mode, onDown }) {
    return this.#steps.take(async () => {
      this.restarts++
      const [, replica] = await this.#rolesOf(shard)
      onDown()
      await until('a replica to obey', async () => await ask(replica, 'CLUSTER', 'FAILOVER', ...mode === '' ? [] : [mode]) === 'OK' || await this.#isMaster(replica))
      await until('a failover', () => this.#isMaster(replica))
    })
  }

  /** A master is killed; resolves when its replica has taken over. After some time it comes back as a replica. */
  failOver ({ shard, downMs, onDown }) {
    return this.#steps.take(async () => {
      this.restarts++
      const [old, replica] = await this.#rolesOf(shard)
      await old.kill()
      onDown()
      await until('a failover', () => this.#isMaster(replica))
      return async () => {
        await delay(downMs)
        await old.start()
      }
    })
  }

  /** A master stands still; when that is for long its replica takes over, and there are two for a while. */
  standStill ({ shard, ms, onDown }) {
    return this.#steps.take(async () => {
      const [old, replica] = await this.#rolesOf(shard)
      if (ms >= NODE_TIMEOUT_MS / 2) onDown()
      let isOver = false
      const paused = old.pause(ms).then(() => { isOver = true })
      await until('a master', async () => isOver || await this.#isMaster(replica))
      return async () => {
        await paused
        await this.#settled()
        if (await this.#isMaster(replica)) this.restarts++
      }
    })
  }

  /** The slot of a key is moved to another shard, key by key and while it is used. */
  moveSlot ({ key, by, onDown }) {
    return this.#steps.take(async () => {
      this.moves++
      const slot = await tell(this.#servers[0], 'CLUSTER', 'KEYSLOT', key)
      const masters = await Promise.all(this.#shards.map(async (_, shard) => (await this.#rolesOf(shard))[0]))
      let nodes
      await until('an answer', async () => (nodes = await this.#view(masters[0])) !== undefined)
      const holds = ({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last)
      const from = masters.findIndex(({ port }) => nodes.some((node) => node.port === port && holds(node)))
      const [source, target] = [masters[from], masters[(from + by) % SHARDS]]
      const [sourceId, targetId] = [source, target].map(({ port }) => nodes.find((node) => node.port === port).id)
      onDown()
      await tell(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
      await tell(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId)
      await until('a slot without keys', async () => {
        const keys = await tell(source, 'CLUSTER', 'GETKEYSINSLOT', slot, KEYS)
        if (keys.length > 0) await ask(source, 'MIGRATE', '127.0.0.1', target.port, '', 0, MIGRATE_TIMEOUT_MS, 'REPLACE', 'KEYS', ...keys)
        return keys.length === 0
      })
      for (const server of [target, source, ...masters.filter((master) => master !== target && master !== source)]) await until('a slot to be given', async () => await ask(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', targetId) === 'OK')
    })
  }

  /** Resolves when what was brought about is over and every shard has a master and a replica. */
  async settle () {
    await this.#steps.take(() => undefined)
  }

  /** Closes all servers, in any state. */
  close () {
    for (const server of this.#servers) server.close()
  }

  async #createServer (buses) {
    const [port, bus] = [await freePort(), await freePort()]
    const server = new RedisServer(port, this.#onFailure, () => [...SETTINGS, ...this.#minReplicas, '--cluster-port', String(bus)])
    buses.set(server, bus)
    return server
  }

  /** The master of a shard, and its replica. */
  async #rolesOf (shard) {
    const [first, second] = this.#shards[shard]
    return await this.#isMaster(first) ? [first, second] : [second, first]
  }

  async #isMaster (server) {
    return String(await ask(server, 'INFO', 'replication')).includes('role:master')
  }

  /** The nodes of the cluster as a server sees them, or `undefined` when it does not answer. */
  async #view (server) {
    const text = await ask(server, 'CLUSTER', 'NODES')
    return text?.trimEnd().split('\n').map((line) => {
      const [id, address, flags, master, , , , link, ...slots] = line.split(' ')
      return { id, port: Number(/:(\d+)@/.exec(address)?.[1]), flags, master, link, slots: slots.map((range) => range.split('-').map(Number)).map(([first, last = first]) => [first, last]) }
    })
  }

  /** Resolves when each shard has a master and a replica that follows it, and all servers say the same of all. */
  async #settled () {
    await until('a cluster that agrees', async () => {
      const views = await Promise.all(this.#servers.map((server) => this.#view(server)))
      if (views.some((nodes) => nodes === undefined || nodes.some(({ flags }) => /fail|handshake|noaddr/.test(flags)))) return false
      const said = views.map((nodes) => JSON.stringify(nodes.map(({ id, flags, master, slots }) => [id, flags.replace('myself,', ''), master, slots]).sort()))
      if (new Set(said).size > 1) return false
      const replication = await Promise.all(this.#servers.map(async (server) => String(await ask(server, 'INFO', 'replication'))))
      const state = await Promise.all(this.#servers.map(async (server) => String(await ask(server, 'CLUSTER', 'INFO'))))
      return replication.filter((text) => text.includes('role:master') && text.includes('state=online')).length === SHARDS &&
        replication.filter((text) => text.includes('master_link_status:up')).length === SHARDS && state.every((text) => text.includes('cluster_state:ok'))
    })
  }
}
