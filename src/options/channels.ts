import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { CHANNEL_PATTERN, isPattern } from '../access/patterns.js'
import { type OptionSchema, ruleOf } from './metadata.js'

const Rule = Type.Object({
  /** Whether the members of the channel are known, and their changes are published on its companion channel. */
  presence: Type.Optional(Type.Boolean({ rule: 'true or false' }))
}, { additionalProperties: false })

const FIELDS = new Map(Object.entries(Rule.properties) as [string, TSchema & OptionSchema][])

const Rules = Type.Record(Type.String({ pattern: CHANNEL_PATTERN.source }), Rule, {
  additionalProperties: false, env: 'CHANNELS_FILE', json: true, fault: faultOf,
  rule: 'an object of rules by pattern, such as {"chat:*":{"presence":true}}'
})

/** The settings of some channels. */
export type ChannelRule = Static<typeof Rule>

/** Rules by pattern, of which the first that matches applies. */
export type ChannelRulesOption = Static<typeof Rules>

/** Options of single channels. */
export const channelOptions = {
  /**
   * Rules of channels by pattern, with `*` for any number of characters; the first that matches applies, and patterns of digits alone come
   * first. Fields: `presence` (see [Presence](presence.md)). The variable names a file of JSON. Default: none.
   */
  channels: Rules
}

/** The first violation in a value that should be rules; `undefined` where it is not even an object. */
function faultOf (value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).map(([pattern, rule]) => {
    const fault = isPattern(pattern) ? ruleFaultOf(rule) : 'is no pattern: use 1 to 100 characters of a channel\'s name or *'
    return fault && `${JSON.stringify(pattern)} ${fault}`
  }).find((fault) => fault !== undefined)
}

function ruleFaultOf (rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return `must be an object, but is ${JSON.stringify(rule)}`
  for (const [field, value] of Object.entries(rule)) {
    const schema = FIELDS.get(field)
    if (schema === undefined) return `has an unknown field ${JSON.stringify(field)}: known are ${[...FIELDS.keys()].join(', ')}`
    if (!Value.Check(schema, value)) return `must have as ${field} ${ruleOf(schema, 1)}, but has ${JSON.stringify(value)}`
  }
  return undefined
}
