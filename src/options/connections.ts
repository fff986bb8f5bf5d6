import { Type } from '@sinclair/typebox'
import { DAY_MS, MINUTE_MS } from './units.js'

/** Options of the routes. */
export const routeOptions = {
  /** Path before every route, like `/rt`. Default: none. */
  prefix: Type.String({ pattern: '^(/[^/]+)*$', default: '', rule: 'a path like /rt, without a slash at its end' }),
  /** Whether `/` under the prefix shows the console, a page for operators. Default: `false`; `true` in the service. */
  page: Type.Boolean({ default: false, rule: 'true or false' })
}

/** Options of the connections of subscribers. */
export const connectionOptions = {
  /** Milliseconds between two pings; a subscriber that leaves one unanswered is disconnected at the next. Default 25,000. */
  pingIntervalMs: Type.Integer({ minimum: 100, maximum: DAY_MS, default: 25_000, env: 'PING_INTERVAL', unit: 's' }),
  /** Milliseconds that a closing app gives its subscribers before their connections are ended. Default 10,000. */
  drainMs: Type.Integer({ minimum: 0, maximum: 10 * MINUTE_MS, default: 10_000, env: 'DRAIN_SECONDS', unit: 's' })
}
