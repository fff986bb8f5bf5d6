import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Value, type ValueError } from '@sinclair/typebox/value'
import { ConfigInvalidError } from '../errors.js'
import { withoutCredentials } from '../wire/text.js'
import { accessOptions } from './access.js'
import { channelOptions } from './channels.js'
import { connectionOptions, routeOptions } from './connections.js'
import { historyOptions } from './history.js'
import { limitOptions } from './limits.js'
import { metricsOptions } from './metrics.js'
import { type OptionSchema, ruleOf } from './metadata.js'

/** Options of the plugin. The service reads them from the variables that their metadata name. */
export const MessengerOptionsSchema = Type.Object({
  ...routeOptions,
  ...historyOptions,
  ...connectionOptions,
  ...channelOptions,
  ...accessOptions,
  ...limitOptions,
  ...metricsOptions
}, { additionalProperties: false })

/** The options of `register(messenger, …)`. Every property is optional. */
export type MessengerOptions = Partial<Static<typeof MessengerOptionsSchema>>

/** The options with their defaults. */
export type ResolvedOptions = Static<typeof MessengerOptionsSchema>

const compiled = TypeCompiler.Compile(MessengerOptionsSchema)

/** An option in the user's terms: its name, the value given and how many units of the option one unit of the value makes. */
export interface OptionSource {
  name: string
  value: unknown
  factor: number
}

/**
 * Fills in the defaults. Throws MSG_ERR_CONFIG_INVALID with the option's name, its rule and the value (not that of a secret),
 * in the terms of `sourceOf`.
 */
export function resolveOptions (
  options: object, sourceOf: (option: string, value: unknown) => OptionSource = sourceOfOption
): ResolvedOptions {
  // Not left to the schema: an object would be merged into a default that is a list.
  const given = options as Record<string, unknown>
  const { token = [], metricsToken = [], tokenIssuer = [], tokenAudience = [], publicChannels = [], channels = {} } = given
  const collections = { token, metricsToken, tokenIssuer, tokenAudience, publicChannels, channels }
  const resolved = Value.Default(MessengerOptionsSchema, { ...options, ...collections })
  if (compiled.Check(resolved)) return resolved
  const error = compiled.Errors(resolved).First() as ValueError
  const option = error.path.split('/')[1] as string
  const whole = (resolved as Record<string, unknown>)[option]
  throw new ConfigInvalidError(explain(option, error.value, whole, sourceOf))
}

function sourceOfOption (option: string, value: unknown): OptionSource {
  return { name: `Option ${option}`, value, factor: 1 }
}

function explain (
  option: string, given: unknown, whole: unknown, sourceOf: (option: string, value: unknown) => OptionSource
): string {
  const schema = (MessengerOptionsSchema.properties as Record<string, OptionSchema | undefined>)[option]
  if (schema === undefined) return `Option ${option} is unknown: known are ${Object.keys(MessengerOptionsSchema.properties).join(', ')}`
  const { name, value, factor } = sourceOf(option, given)
  const fault = schema.fault?.(whole)
  if (fault !== undefined) return `${name}: ${fault}`
  return `${name} must be ${ruleOf(schema, factor)}${schema.secret ? '' : `, but is ${withoutCredentials(quoted(value))}`}`
}

/** A value for a quotation; a function and `undefined` have no JSON. */
function quoted (value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  return text ?? typeof value
}
