import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BearerTokens } from '../src/access/bearer-tokens.js'
import { bearerOf } from '../src/access/credential.js'
import { messengerMetrics, processMetrics } from '../src/metrics/messenger-metrics.js'
import { addToRegistry, type MetricsRegistry } from '../src/metrics/registry.js'
import { metricsText } from '../src/metrics/text.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The metrics of this messenger. */
    metrics: Metrics
  }
}

/** Options of this plugin. */
export interface MetricsPluginOptions {
  /** Tokens that may read the metrics. */
  metricsToken: string | string[]
  /** The registry of the host. */
  metricsRegistry?: MetricsRegistry | undefined
}

/** The metrics of this messenger. */
export interface Metrics {
  /** A hook: only holders of a token for metrics, or of an operator's, pass. */
  readonly verify: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void
  /** The text for Prometheus. */
  text (): string
}

/** Decorates the scope with its metrics, and adds them to the registry of the host. */
export default fp<MetricsPluginOptions>(async (fastify, { metricsToken, metricsRegistry }) => {
  const { hub, limits } = fastify
  const tokens = new BearerTokens(metricsToken)
  const readers = messengerMetrics(hub.traffic, limits.counters, () => ({
    channels: hub.members.size, subscriptions: hub.members.subscriptions, historyBytes: hub.historyBytes, ready: hub.engineReady
  }))
  if (metricsRegistry !== undefined) {
    const remove = addToRegistry(metricsRegistry, readers, fastify.prefix)
    fastify.addHook('onClose', async () => { remove() })
  }

  const all = [...readers, ...processMetrics()]

  fastify.decorate('metrics', {
    verify (request, reply, done) {
      const token = bearerOf(request.headers)
      // Tokens of an address with too many refused ones are not compared.
      if (token !== undefined && !limits.distrusts(request) && tokens.indexOf(token) >= 0) done()
      else fastify.verifyOperator(request, reply, done)
    },
    text: () => metricsText(all)
  } satisfies Metrics)
}, { name: 'messenger-metrics', dependencies: ['messenger-bearer-auth', 'messenger-hub', 'messenger-limits'], fastify: '5.x' })
