import type { FastifyError } from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { forbidden } from '../src/access/authorizer.js'
import type { Grant } from '../src/access/grant.js'
import type { Session } from '../src/access/session.js'
import { Connection, type ConnectionPorts, type ConnectionSettings } from '../src/channels/connection.js'
import { Outbox } from '../src/channels/outbox.js'
import { refusalOf } from '../src/channels/refusal.js'
import type { Subscriber } from '../src/channels/subscriber.js'
import type { Subscription } from '../src/channels/subscription.js'
import { ClosedError, FullError, InternalError } from '../src/errors.js'
import { isOwnError } from '../src/http/error-reply.js'
import type { RequestedChannel } from '../src/http/subscription-query.js'
import { channelOf } from '../src/wire/companion.js'
import { type Refusal, tokenText } from '../src/wire/events.js'
import type { Place } from './subscriptions.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Connections with several channels. */
    connections: Connections
  }
}

/** Options of this plugin. */
export interface ConnectionsPluginOptions {
  maxChannelsPerConnection: number
}

/** The events of a connection that its transport handles. */
export type ConnectionEvents = Pick<ConnectionPorts, 'onAdmitted' | 'onRefused' | 'onEmpty'>

/** The right of a connection to subscribe. */
export type ConnectionSession = Session<FastifyRequest>

/** The result of an authorization: a grant, or the error that refuses the channel. */
export type Decision = Grant | FastifyError

/** Authorizes a channel; never throws or rejects. */
export type Authorize = (channel: string) => Decision | Promise<Decision>

/** The steps of a connection with several channels. */
export interface Connections {
  /** A connection at a counted place. Its channels are added by `subscribe`. */
  open (place: Place, carrier: Subscriber, events: ConnectionEvents, settings: ConnectionSettings): Connection
  /** The grant for a channel, or the error for which it is refused. Never throws or rejects. */
  authorize (session: ConnectionSession, channel: string): Decision | Promise<Decision>
  /** Adds channels, each as soon as it is authorized, and sends an event for each admission and refusal. */
  subscribe (connection: Connection, channels: readonly RequestedChannel[], authorize: Authorize): void
  /** Refuses a channel; an error that is not one of this package is logged. */
  refuse (connection: Connection, channel: string, error: unknown): void
  /** Replaces the token of a connection, confirms it to the client, and refuses the channels that it does not cover. */
  replaceToken (connection: Connection, session: ConnectionSession, token: string): Promise<void>
}

/** Decorates the scope with connections of several channels. */
export default fp<ConnectionsPluginOptions>(async (fastify, { maxChannelsPerConnection }) => {
  const { access, channelNames, hub, journal, limits, log, subscriptions } = fastify
  const outbox = new Outbox()

  /** An error of this package; any other is logged and answered as a failure of the service. */
  const known = (error: unknown): FastifyError => {
    if (isOwnError(error)) return error
    log.error(error)
    return new InternalError()
  }

  /** Adds a channel that is yet to be authorized. Throws where there is no place for it. */
  const enter = (connection: Connection, channel: string): Subscription => {
    channelNames.assertSubscribable(channel)
    if (hub.closing) throw new ClosedError()
    hub.assertRoom(channel)
    connection.delete(channel)
    if (connection.size >= maxChannelsPerConnection) throw new FullError('MAX_CHANNELS_PER_CONNECTION')
    limits.subscriptions.enter(connection.address)
    return connection.add(channel)
  }

  const settle = (connection: Connection, subscription: Subscription, { since }: RequestedChannel, decision: Decision): void => {
    // The client may have disconnected, unsubscribed or asked again meanwhile.
    if (!subscription.isOpen()) return
    const latest = hub.closing ? new ClosedError() : decision
    if (latest instanceof Error) { connection.refuse(subscription.name, refusalOf(latest)); return }
    connection.admit(subscription, latest)
    subscriptions.join(subscription, { channel: subscription.name, since }, latest, connection.address)
  }

  const authorize = (session: ConnectionSession, channel: string): Decision | Promise<Decision> => {
    try {
      const grant = session.admit(channelOf(channel))
      return grant instanceof Promise ? grant.catch(known) : grant
    } catch (error) {
      return known(error)
    }
  }

  fastify.decorate('connections', {
    open (place, carrier, events, settings) {
      const { address } = place
      const onEnd = (subscription: Subscription, why?: string): void => {
        if (subscription.grant !== undefined) journal.unsubscribed(subscription.name, why)
        limits.subscriptions.leave(address)
        subscriptions.leave(subscription)
      }
      const onRefused = (refused: Connection, refusal: Refusal, channel: string): void => {
        journal.refused(refusal.code, address, channel)
        events.onRefused?.(refused, refusal, channel)
      }
      const connection = new Connection(carrier, { ...events, onRefused, outbox, address, onEnd }, settings)
      place.connection = connection
      hub.open(connection)
      return connection
    },
    authorize,
    subscribe (connection, channels, authorizeChannel) {
      // All are added first: the connection is not empty as long as one of them is yet to be authorized.
      const entered = channels.map((requested) => {
        try {
          return { requested, subscription: enter(connection, requested.channel) }
        } catch (error) {
          return { requested, error: known(error) }
        }
      })
      for (const { requested, subscription, error } of entered) {
        if (subscription === undefined) { connection.refuse(requested.channel, refusalOf(error)); continue }
        const decision = authorizeChannel(requested.channel)
        if (decision instanceof Promise) void decision.then((later) => { settle(connection, subscription, requested, later) })
        else settle(connection, subscription, requested, decision)
      }
    },
    refuse (connection, channel, error) { connection.refuse(channel, refusalOf(known(error))) },
    async replaceToken (connection, session, token) {
      const grant = await (async () => await session.replace(token))().catch(known)
      if (!(grant instanceof Error)) connection.send('token', tokenText(grant.expiresIn))
      for (const subscription of [...connection.subscriptions]) {
        const { name } = subscription
        const channel = channelOf(name)
        // Yet to be authorized, or in no need of a token.
        if (subscription.grant === undefined || access.authorizer.admitFreely(undefined, channel) !== undefined) continue
        const decision = grant instanceof Error || grant.covers('subscribe', channel) ? grant : forbidden('subscribe', channel)
        if (decision instanceof Error) { connection.refuse(name, refusalOf(decision)); continue }
        subscription.grant = decision
        subscriptions.hold(subscription, decision)
      }
    }
  } satisfies Connections)
}, {
  name: 'messenger-connections',
  dependencies: ['messenger-access', 'messenger-hub', 'messenger-journal', 'messenger-limits', 'messenger-subscriptions'],
  fastify: '5.x'
})
