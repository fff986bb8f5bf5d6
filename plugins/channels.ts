import fp from 'fastify-plugin'
import type { Broker } from '../src/brokers/broker.js'
import { MemoryBroker } from '../src/brokers/memory.js'
import { ChannelRegistry } from '../src/channels/registry.js'
import type { ResolvedOptions } from '../src/options.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The channels of this app: publish in process, count subscribers, iterate the occupied ones. */
    channels: ChannelRegistry
  }
}

/** Options of this plugin. */
export interface ChannelsPluginOptions extends ResolvedOptions {
  /** Names that no channel may have. */
  reserved: ReadonlySet<string>
}

/** Decorates the app with the channel registry and closes its subscribers before the server. */
export default fp<ChannelsPluginOptions>(async (fastify, options) => {
  const { historySize, historyTtlMs, historyMaxBytes } = options
  const channels = new ChannelRegistry(
    (receiver): Broker => new MemoryBroker(receiver, { size: historySize, ttlMs: historyTtlMs, maxBytes: historyMaxBytes }),
    options
  )
  fastify.decorate('channels', channels)
  // Before the server closes: it waits for every connection.
  fastify.addHook('preClose', async () => { await channels.close() })
}, { name: 'messenger-channels', fastify: '5.x' })
