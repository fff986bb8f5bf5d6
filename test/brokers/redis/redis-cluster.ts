import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import { eventually } from '../../eventually.js'
import { uniquePrefix } from './redis-node.js'
import { freePort } from '../../../scripts/free-port.mjs'
import { createDirectory } from '../../temporary.js'
import { RedisServer } from './redis-server.js'

const NODE_TIMEOUT_MS = 700

/** A node of a cluster, and a connection of the test's to it. */
export interface ClusterMember {
  readonly server: RedisServer
  readonly redis: Redis
}

/** A real cluster of three masters that share the slots evenly, the first `replicas` of them with a replica each. */
export class RedisCluster {
  constructor (readonly masters: ClusterMember[], readonly replicas: ClusterMember[]) {}

  get members (): ClusterMember[] {
    return [...this.masters, ...this.replicas]
  }

  get url (): string {
    return `redis+cluster://${this.members.map(({ server }) => `127.0.0.1:${server.port}`).join(',')}`
  }

  /** A prefix under which the subscriber counts are of a slot of the third master. */
  async prefix (): Promise<string> {
    for (;;) {
      const keyPrefix = uniquePrefix()
      const slot = await this.masters[2]?.redis.cluster('KEYSLOT', `${keyPrefix}census`) ?? 0
      if (slot >= 2 * SLOTS_PER_MASTER) return keyPrefix
    }
  }

  /** Names of channels of which the first is the first master's, the second the second's and so on. */
  async channels (keyPrefix: string, perMaster = 1): Promise<string[][]> {
    const channels: string[][] = [[], [], []]
    for (let number = 0; channels.some((names) => names.length < perMaster); number++) {
      const slot = await this.masters[1]?.redis.cluster('KEYSLOT', `${keyPrefix}{c${number}}:meta`) ?? 0
      const names = channels[Math.min(2, Math.floor(slot / SLOTS_PER_MASTER))] as string[]
      if (names.length < perMaster) names.push(`c${number}`)
    }
    return channels
  }
}

const SLOTS = 16_384
const SLOTS_PER_MASTER = Math.ceil(SLOTS / 3)

/** Starts a cluster; the end of the test ends it. */
export async function startCluster (t: Test, replicas = 0): Promise<RedisCluster> {
  const members = await Promise.all(Array.from({ length: 3 + replicas }, async () => {
    const [port, busPort] = [await freePort(), await freePort()]
    const server = new RedisServer(createDirectory(t), port, {
      args: ['--enable-debug-command', 'local', '--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--cluster-require-full-coverage', 'no', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', '--cluster-replica-validity-factor', '0']
    })
    t.teardown(() => server.kill())
    await server.start()
    return { server, redis: server.connect(t), busPort }
  }))
  const masters = members.slice(0, 3)
  const [first] = masters as [typeof members[0]]
  await Promise.all(masters.map(async ({ redis }, index) => {
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', String(index * SLOTS_PER_MASTER), String(Math.min(SLOTS, (index + 1) * SLOTS_PER_MASTER) - 1))
  }))
  for (const { redis } of members.slice(1)) await redis.call('CLUSTER', 'MEET', '127.0.0.1', String(first.server.port), String(first.busPort))
  await eventually(async () => {
    const infos = await Promise.all(members.map(({ redis }) => redis.cluster('INFO')))
    return infos.every((info) => info.includes(`cluster_known_nodes:${members.length}`) && info.includes('cluster_state:ok'))
  }, { message: 'the nodes know each other' })
  await Promise.all(members.slice(3).map(async ({ redis }, index) => {
    await redis.call('CLUSTER', 'REPLICATE', await masters[index]?.redis.cluster('MYID') ?? '')
    await eventually(async () => (await redis.info('replication')).includes('master_link_status:up'), { message: 'the replica follows' })
  }))
  // A client may ask any node where the slots are.
  await eventually(async () => {
    const slots = await Promise.all(members.map(({ redis }) => redis.cluster('SLOTS')))
    return slots.every((ranges) =>
      ranges.length === 3 && ranges.flatMap((range) => (range as unknown[]).slice(2)).length === members.length)
  }, { message: 'every node knows all slots' })
  return new RedisCluster(masters, members.slice(3))
}
