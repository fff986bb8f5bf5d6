import fp from 'fastify-plugin'
import type { Directory } from '../src/channels/directory.js'
import type { Hub } from '../src/channels/hub.js'
import type { ChannelNames } from '../src/channels/name.js'
import type { Presence } from '../src/channels/presence.js'
import type { Publisher } from '../src/channels/publisher.js'
import { hubOf, observationOf, publisherOf } from '../src/channels/registry.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Membership and delivery behind `channels`, within the scope of the messenger. */
    hub: Hub
    /** The publisher behind `channels`. */
    publisher: Publisher
    /** The names that channels may have. */
    channelNames: ChannelNames
    /** The members of channels on this instance. */
    presence: Presence
    /** The channels and their members on all instances. */
    directory: Directory
  }
}

/** Options of this plugin. */
export interface HubPluginOptions {
  names: ChannelNames
}

/** Decorates the scope, and not the app, with the hub and the publisher of `app.channels`. */
export default fp<HubPluginOptions>(async (fastify, { names }) => {
  const { presence, directory } = observationOf(fastify.channels)
  fastify.decorate('hub', hubOf(fastify.channels))
  fastify.decorate('publisher', publisherOf(fastify.channels))
  fastify.decorate('presence', presence)
  fastify.decorate('directory', directory)
  fastify.decorate('channelNames', names)
}, { name: 'messenger-hub', dependencies: ['messenger-channels'], fastify: '5.x' })
