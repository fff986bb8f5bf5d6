import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { type BrokerStatus, CLOSED, type CreateBroker } from '../src/brokers/broker.js'
import { MemoryBroker } from '../src/brokers/memory.js'
import type { RedisClient } from '../src/brokers/redis/connection/connection.js'
import { ChannelRegistry, type ChannelRegistryOptions } from '../src/channels/registry.js'
import type { ResolvedOptions } from '../src/options.js'

/** How long the start waits for Redis. */
const ENGINE_START_MS = 2_000

declare module 'fastify' {
  interface FastifyInstance {
    /** The channels of this app: publish in process, count subscribers, iterate the occupied ones. */
    channels: ChannelRegistry
  }
}

/** Options of this plugin. */
export interface ChannelsPluginOptions extends ResolvedOptions, Pick<ChannelRegistryOptions, 'counters' | 'onNotice'> {
  /** Names that no channel may have. */
  reserved: ReadonlySet<string>
}

/** Decorates the app with the channel registry and closes its subscribers before the server. */
export default fp<ChannelsPluginOptions>(async (fastify, options) => {
  const { log } = fastify
  const create = options.redis === undefined ? memory(options) : await redis(options.redis, options)
  const changes = new StatusLog(log)
  const channels = new ChannelRegistry(create, {
    ...options,
    onStatus: (status) => { changes.take(status) },
    onLog: (level, text) => { log[level](text) }
  })
  fastify.decorate('channels', channels)
  // So that what is published first finds the engine there. Without it the app starts all the same, not ready.
  await channels.started(ENGINE_START_MS)
  changes.begin(channels.status)
  // Before the server closes: it waits for every connection.
  fastify.addHook('preClose', async () => { await channels.close() })
}, { name: 'messenger-channels', fastify: '5.x' })

/** Tells when the engine is lost, when the reason changes and when it is back; before the start is over, nothing. */
class StatusLog {
  readonly #log: FastifyBaseLogger
  /** The reason that was told of last; empty while the engine can be used. */
  #told: string | undefined

  constructor (log: FastifyBaseLogger) {
    this.#log = log
  }

  begin ({ ready, reason }: BrokerStatus): void {
    this.#told = reason
    if (!ready) this.#log.warn(`Redis cannot be used yet (${reason}): publishing is refused until it can`)
  }

  take ({ ready, reason }: BrokerStatus): void {
    if (this.#told === undefined || reason === this.#told || reason === CLOSED) return
    if (ready) this.#log.info('Redis can be used again')
    else this.#log.warn(`Redis cannot be used: ${reason}`)
    this.#told = reason
  }
}

function memory ({ historySize, historyTtlMs, historyMaxBytes }: ResolvedOptions): CreateBroker {
  return (receiver) => new MemoryBroker(receiver, { size: historySize, ttlMs: historyTtlMs, maxBytes: historyMaxBytes })
}

/** Loads the client of Redis only where it is used. */
async function redis (target: string | RedisClient, { historySize, historyTtlMs, redisKeyPrefix }: ResolvedOptions): Promise<CreateBroker> {
  const { RedisBroker } = await import('../src/brokers/redis/redis.js')
  return (receiver) => new RedisBroker(receiver, { redis: target, keyPrefix: redisKeyPrefix, size: historySize, ttlMs: historyTtlMs })
}
