import { Patterns } from '../access/patterns.js'
import { isCompanion } from '../wire/companion.js'
import type { ChannelRule, ChannelRulesOption } from './channels.js'

const DEFAULTS: ChannelRule = {}

/** The rules of channels. */
export class ChannelRules {
  readonly #rules: readonly (readonly [Patterns, ChannelRule])[]

  constructor (rules: ChannelRulesOption) {
    this.#rules = Object.entries(rules).map(([pattern, rule]) => [new Patterns([pattern]), rule])
  }

  /** The rule of a channel: the first one whose pattern matches. A companion channel has none. */
  of (channel: string): ChannelRule {
    if (this.#rules.length === 0 || isCompanion(channel)) return DEFAULTS
    return this.#rules.find(([pattern]) => pattern.cover(channel))?.[1] ?? DEFAULTS
  }

  /** Whether there is a channel whose members are known. */
  get anyMembers (): boolean {
    return this.#rules.some(([, { presence }]) => presence === true)
  }

  /** Whether the members of a channel are known. */
  hasMembers (channel: string): boolean {
    return this.of(channel).presence === true
  }
}
