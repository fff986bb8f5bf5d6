import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { Broker, BrokerStatus, CreateBroker } from '../src/brokers/broker.js'
import { MemoryBroker } from '../src/brokers/memory.js'
import type { RedisClient } from '../src/brokers/redis/connection/connection.js'
import { ChannelEmitter } from '../src/channels/channel-emitter.js'
import { Directory } from '../src/channels/directory.js'
import { Hub } from '../src/channels/hub.js'
import type { HubOptions } from '../src/channels/hub-options.js'
import type { ChannelNames, CompanionRule } from '../src/channels/name.js'
import { Presence } from '../src/channels/presence.js'
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
interface ChannelsPluginOptions extends ResolvedOptions, Pick<HubOptions, 'counters' | 'onAnnouncement'> {
  /** The names that channels may have. */
  names: ChannelNames
  rules: CompanionRule
}

/** Decorates the app with the channel registry and closes its subscribers before the server. */
export default fp<ChannelsPluginOptions>(async (fastify, options) => {
  const { log } = fastify
  const create = options.redis === undefined ? memory(options) : await redis(options.redis, options)
  const events = new ChannelEmitter((error) => { log.error(error, 'a listener of app.channels.events has failed') })
  const presence = new Presence(options.rules, events)
  let broker!: Broker
  const members = options.rules.anyMembers ? presence : undefined
  const hub = new Hub((receiver) => broker = presence.attach(create({ ...receiver, members })), {
    ...options,
    observer: presence,
    onStatus: logChanges(log),
    onLog: (level, text) => { log[level](text) },
    onError: (error) => { log.error(error) }
  })
  const directory = new Directory({ ...options, broker })
  fastify.decorate('channels', new ChannelRegistry(hub, new Publisher(hub, options), { directory, presence, events }))
  // So that the engine is there for the first message. Without it the app starts all the same, not ready.
  await started(hub, ENGINE_START_MS)
  if (!hub.ready && !hub.status.failing) log.warn(`Redis cannot be used yet (${hub.status.reason}): publishing is refused until it can`)
  log.info({ engine: options.redis === undefined ? 'memory' : 'redis' }, 'The messenger has started')
  // Before the server closes, which waits for every connection.
  fastify.addHook('preClose', async () => { await hub.close() })
}, { name: 'messenger-channels', fastify: '5.x' })

/** Resolves when messages and subscribers are accepted, or after `timeoutMs` milliseconds. */
async function started (hub: Hub, timeoutMs: number): Promise<void> {
  const timeout = new AbortController()
  await Promise.race([hub.started, delay(timeoutMs, undefined, { signal: timeout.signal }).catch(() => {})])
  timeout.abort()
}

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
