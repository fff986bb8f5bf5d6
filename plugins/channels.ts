import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { BrokerStatus, CreateBroker } from '../src/brokers/broker.js'
import { MemoryBroker } from '../src/brokers/memory.js'
import type { RedisClient } from '../src/brokers/redis/connection/connection.js'
import { Hub } from '../src/channels/hub.js'
import type { HubOptions } from '../src/channels/hub-options.js'
import type { ChannelNames } from '../src/channels/name.js'
import { Publisher } from '../src/channels/publisher.js'
import { ChannelRegistry } from '../src/channels/registry.js'
import type { ResolvedOptions } from '../src/options/schema.js'

/** Time limit of the start for Redis. */
const ENGINE_START_MS = 2_000

declare module 'fastify' {
  interface FastifyInstance {
    /** The channels of this app: publish in process, count subscribers, iterate the occupied ones. */
    channels: ChannelRegistry
  }
}

/** Options of this plugin. */
export interface ChannelsPluginOptions extends ResolvedOptions, Pick<HubOptions, 'counters' | 'onAnnouncement'> {
  /** The names that channels may have. */
  names: ChannelNames
}

/** Decorates the app with the channel registry and closes its subscribers before the server. */
export default fp<ChannelsPluginOptions>(async (fastify, options) => {
  const { log } = fastify
  const create = options.redis === undefined ? memory(options) : await redis(options.redis, options)
  const hub = new Hub(create, {
    ...options,
    onStatus: logChanges(log),
    onLog: (level, text) => { log[level](text) },
    onError: (error) => { log.error(error) }
  })
  fastify.decorate('channels', new ChannelRegistry(hub, new Publisher(hub, options)))
  // So that the engine is there for the first message. Without it the app starts all the same, not ready.
  await hub.started(ENGINE_START_MS)
  if (!hub.ready && !hub.status.failing) log.warn(`Redis cannot be used yet (${hub.status.reason}): publishing is refused until it can`)
  log.info({ engine: options.redis === undefined ? 'memory' : 'redis' }, 'The messenger has started')
  // Before the server closes, which waits for every connection.
  fastify.addHook('preClose', async () => { await hub.close() })
}, { name: 'messenger-channels', fastify: '5.x' })

/** Logs when the engine is lost, when the reason changes and when it is back. */
function logChanges (log: FastifyBaseLogger): (status: BrokerStatus) => void {
  let told = ''
  return ({ ready, reason, failing }) => {
    if (failing && reason !== told) log.warn(`Redis cannot be used: ${reason}`)
    else if (ready && told !== '') log.info('Redis can be used again')
    else if (!ready) log.debug(`Redis: ${reason}`)
    if (ready || failing) told = reason
  }
}

function memory ({ historySize, historyTtlMs, historyMaxBytes }: ResolvedOptions): CreateBroker {
  return (receiver) => new MemoryBroker(receiver, { size: historySize, ttlMs: historyTtlMs, maxBytes: historyMaxBytes })
}

/** The Redis client is loaded only where it is used. */
async function redis (target: string | RedisClient, { historySize, historyTtlMs, redisKeyPrefix }: ResolvedOptions): Promise<CreateBroker> {
  const { RedisBroker } = await import('../src/brokers/redis/redis.js')
  return (receiver) => new RedisBroker(receiver, { redis: target, keyPrefix: redisKeyPrefix, size: historySize, ttlMs: historyTtlMs })
}
