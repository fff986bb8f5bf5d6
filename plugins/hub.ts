import fp from 'fastify-plugin'
import type { Hub } from '../src/channels/hub.js'
import type { ChannelNames } from '../src/channels/name.js'
import type { Publisher } from '../src/channels/publisher.js'
import { hubOf, publisherOf } from '../src/channels/registry.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Membership and delivery behind `channels`, within the scope of the messenger. */
    hub: Hub
    /** The publisher behind `channels`. */
    publisher: Publisher
    /** The names that channels may have. */
    channelNames: ChannelNames
  }
}

/** Options of this plugin. */
export interface HubPluginOptions {
  names: ChannelNames
}

/** Decorates the scope, and not the app, with the hub and the publisher of `app.channels`. */
export default fp<HubPluginOptions>(async (fastify, { names }) => {
  fastify.decorate('hub', hubOf(fastify.channels))
  fastify.decorate('publisher', publisherOf(fastify.channels))
  fastify.decorate('channelNames', names)
}, { name: 'messenger-hub', dependencies: ['messenger-channels'], fastify: '5.x' })
