import fp from 'fastify-plugin'
import type { Subscriber } from '../src/channels/subscriber.js'
import type { TransportName } from '../src/metrics/traffic.js'
import type { CloseCode } from '../src/wire/close.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Log lines at `debug` and counts of the start and end of connections and subscriptions. */
    journal: Journal
  }
}

/** Logs and counts the start and end of connections and subscriptions, with the reason. */
export interface Journal {
  /** A connection of a subscriber is open. */
  opened (subscriber: Subscriber): void
  /** A connection of a subscriber is about to be closed by the service, with a code, or ended without one. */
  readonly ending: (subscriber: Subscriber, why: string, code?: CloseCode) => void
  /** A connection of a subscriber is closed; on a WebSocket with the code that the client has sent. */
  closed (subscriber: Subscriber, address: string, code?: unknown): void
  subscribed (channel: string, subscriber: Subscriber, address: string): void
  /** One of several subscriptions of a connection has ended; without a reason because the connection is closed. */
  unsubscribed (channel: string, why?: string): void
  /** A request or a channel is refused. */
  refused (code: string, address?: string, channel?: string): void
}

/** Decorates the scope with its journal. */
export default fp(async (fastify) => {
  const { hub: { traffic }, log } = fastify
  /** The reasons of the service for the end of a connection. */
  const reasons = new WeakMap<Subscriber, string>()

  fastify.decorate('journal', {
    opened ({ transport }) { traffic.connections.add(transport as TransportName) },
    ending (subscriber, why, code) {
      if (code !== undefined) traffic.closed.add(code)
      reasons.set(subscriber, code === undefined ? why : `${code} ${why}`)
    },
    closed (subscriber, address, code) {
      const { transport } = subscriber
      traffic.connections.add(transport as TransportName, -1)
      const why = reasons.get(subscriber) ?? 'the client has closed it' + (typeof code === 'number' ? `: ${code}` : '')
      log.debug({ transport, address, why }, 'a connection is closed')
    },
    subscribed (channel, { transport }, address) { log.debug({ channel, transport, address }, 'subscribed') },
    unsubscribed (channel, why = 'the connection is closed') { log.debug({ channel, why }, 'unsubscribed') },
    refused (code, address, channel) {
      traffic.refused.add(code)
      log.debug({ code, address, channel }, 'refused')
    }
  } satisfies Journal)
}, { name: 'messenger-journal', dependencies: ['messenger-hub'], fastify: '5.x' })
