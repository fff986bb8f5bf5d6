import { Type } from '@sinclair/typebox'
import type { MetricsRegistry } from '../metrics/registry.js'
import { Token } from './units.js'

/** Options of metrics. */
export const metricsOptions = {
  /**
   * Token that may read `GET /-/metrics` and nothing else, or several that are valid at once (rotation). Those of `token` may read it,
   * too. Default: none.
   */
  metricsToken: Type.Union([Token, Type.Array(Token)], {
    secret: true, env: 'METRICS_TOKEN', file: true, list: true,
    rule: 'a token, or a list of tokens, of 1 to 1024 printable ASCII characters without space and comma'
  }),
  /** A registry of prom-client that also gets the metrics of this messenger, those of the process left out. Default: none. */
  metricsRegistry: Type.Optional(Type.Unsafe<MetricsRegistry>(Type.Object({
    registerMetric: Type.Function([], Type.Any()), removeSingleMetric: Type.Function([], Type.Any())
  }, { secret: true, rule: 'a registry of prom-client' })))
}
