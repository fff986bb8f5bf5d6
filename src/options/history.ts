import { Type } from '@sinclair/typebox'
import type { RedisClient } from '../brokers/redis/connection/connection.js'
import { DAY_MS, MAX_BYTES, MINUTE_MS } from './units.js'

/** Options of the logs of channels, and of the engine that keeps them. */
export const historyOptions = {
  /** Messages kept a channel, so that subscribers can resume. 0: none, a pure relay. Default 100. */
  historySize: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 100, env: 'HISTORY_SIZE' }),
  /** Milliseconds that a message is kept. Default 300,000. */
  historyTtlMs: Type.Integer({ minimum: 1, maximum: 30 * DAY_MS, default: 5 * MINUTE_MS, env: 'HISTORY_TTL', unit: 's' }),
  /** Memory for all messages that are kept, in bytes; the channels that were unused longest lose theirs first. Default 64 MiB. */
  historyMaxBytes: Type.Integer({ minimum: 0, maximum: MAX_BYTES, default: 64 * 1024 ** 2, env: 'HISTORY_MAX_BYTES' }),
  /**
   * Redis 7, for several instances that are one messenger: `redis://host:6379`, `rediss://` for TLS, `unix:///path`,
   * `redis+sentinel://host:26379,host:26379/name`, `redis+cluster://host:6379,host:6379`; or a client of ioredis, from which the
   * plugin makes connections of its own. Default: none, everything is in memory.
   */
  redis: Type.Optional(Type.Unsafe<string | RedisClient>(Type.Any({
    secret: true, env: 'REDIS_URL', file: true, rule: 'the URL of a Redis server, or a client of ioredis'
  }))),
  /** Prefix of every key and channel in Redis. Default: `messenger:`. */
  redisKeyPrefix: Type.String({
    pattern: '^[^{}\\s]*$', default: 'messenger:', env: 'REDIS_KEY_PREFIX', rule: 'a text without braces and white space'
  })
}
