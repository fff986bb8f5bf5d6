import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value, type ValueError } from '@sinclair/typebox/value'
import { withoutCredentials } from './wire/text.js'
import type { RedisClient } from './brokers/redis/connection/connection.js'
import { ConfigInvalidError } from './errors.js'
import { accessOptions } from './options/access.js'
import { limitOptions } from './options/limits.js'
import { DAY_MS, MAX_BYTES, MINUTE_MS } from './options/units.js'

/** Options of the plugin; those of the service have the same names in its environment (README, "Configuration"). */
export const MessengerOptionsSchema = Type.Object({
  /** Path before every route, like `/rt`. Default: none. */
  prefix: Type.String({ pattern: '^(/[^/]+)*$', default: '', rule: 'a path like /rt, without a slash at its end' }),
  /** Whether `/` under the prefix shows the page where a newcomer tries the service. Default: no. */
  page: Type.Boolean({ default: false, rule: 'true or false' }),
  /** Messages kept a channel, so that subscribers can resume. 0: none, a pure relay. Default 100. */
  historySize: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 100 }),
  /** Milliseconds that a message is kept. Default 300,000. */
  historyTtlMs: Type.Integer({ minimum: 1, maximum: 30 * DAY_MS, default: 5 * MINUTE_MS }),
  /** Memory for all that is kept, in bytes; the channels that were unused longest lose theirs first. Default 64 MiB. */
  historyMaxBytes: Type.Integer({ minimum: 0, maximum: MAX_BYTES, default: 64 * 1024 ** 2 }),
  /** Milliseconds between two pings; a subscriber that leaves one unanswered is gone at the next. Default 25,000. */
  pingIntervalMs: Type.Integer({ minimum: 100, maximum: DAY_MS, default: 25_000 }),
  /** Milliseconds that a closing app gives its subscribers before their connections are ended. Default 10,000. */
  drainMs: Type.Integer({ minimum: 0, maximum: 10 * MINUTE_MS, default: 10_000 }),
  /**
   * Redis 7, for several instances that are one messenger: `redis://host:6379`, `rediss://` for TLS, `unix:///path`,
   * `redis+sentinel://host:26379,host:26379/name`, `redis+cluster://host:6379,host:6379`; or a client of ioredis, of which the
   * plugin makes connections of its own. Default: none, everything is in memory.
   */
  redis: Type.Optional(Type.Unsafe<string | RedisClient>(Type.Any({ secret: true }))),
  /** Before every key and channel in Redis. Default `messenger:`. */
  redisKeyPrefix: Type.String({ pattern: '^[^{}\\s]*$', default: 'messenger:', rule: 'a text without braces and white space' }),
  ...accessOptions,
  ...limitOptions
}, { additionalProperties: false })

/** What `register(messenger, …)` takes. Every property is optional. */
export type MessengerOptions = Partial<Static<typeof MessengerOptionsSchema>>

/** The options with their defaults. */
export type ResolvedOptions = Static<typeof MessengerOptionsSchema>

const compiled = TypeCompiler.Compile(MessengerOptionsSchema)

/** How the user knows an option: its name, the value given and how many of the option's units one of the user's makes. */
export interface OptionSource {
  name: string
  value: unknown
  factor: number
}

/**
 * Fills in the defaults. Throws MSG_ERR_CONFIG_INVALID with the option's name, its rule and the value (not that of a secret),
 * as `sourceOf` tells them.
 */
export function resolveOptions (options: object, sourceOf: (option: string, value: unknown) => OptionSource = sourceOfOption): ResolvedOptions {
  // Not left to the schema: what is an object would be merged into a default that is a list.
  const { token = [], tokenIssuer = [], tokenAudience = [], publicChannels = [] } = options as Record<string, unknown>
  const resolved = Value.Default(MessengerOptionsSchema, { ...options, token, tokenIssuer, tokenAudience, publicChannels })
  if (compiled.Check(resolved)) return resolved
  const error = compiled.Errors(resolved).First() as ValueError
  throw new ConfigInvalidError(explain(error.path.split('/')[1] as string, error.value, sourceOf))
}

function sourceOfOption (option: string, value: unknown): OptionSource {
  return { name: `Option ${option}`, value, factor: 1 }
}

interface OptionSchema {
  rule?: string
  secret?: boolean
  minimum?: number
  maximum?: number
}

function explain (option: string, given: unknown, sourceOf: (option: string, value: unknown) => OptionSource): string {
  const schema = (MessengerOptionsSchema.properties as Record<string, OptionSchema | undefined>)[option]
  if (schema === undefined) return `Option ${option} is unknown: known are ${Object.keys(MessengerOptionsSchema.properties).join(', ')}`
  const { rule, secret, minimum = 0, maximum = 0 } = schema
  const { name, value, factor } = sourceOf(option, given)
  const range = `${factor === 1 ? 'an integer' : 'a number'} from ${minimum / factor} to ${maximum / factor}`
  return `${name} must be ${rule ?? range}${secret ? '' : `, but is ${withoutCredentials(JSON.stringify(value))}`}`
}
