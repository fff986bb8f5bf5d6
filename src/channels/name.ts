import { ChannelInvalidError, ChannelReservedError } from '../errors.js'
import { channelOf, isCompanion } from '../wire/companion.js'

/** 1–100 characters; the first is a letter, a digit or `_`. No character needs escaping in JSON. */
const CHANNEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/

/** The regular expression above as a text, for schemas and manuals. */
export const CHANNEL_NAME_PATTERN = CHANNEL_NAME.source

/** Paths that probes and browsers request from every server. */
export const ASKED_EVERYWHERE: ReadonlySet<string> = new Set(['favicon.ico', 'robots.txt', 'healthz', 'livez', 'readyz'])

/** The quotation of an invalid channel name in an error. */
export function shown (name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name) : name === null ? 'null' : typeof name
}

/** Whether `name` follows the rule for channel names, as reserved names do. */
export function isChannelName (name: string): boolean {
  return CHANNEL_NAME.test(name)
}

/** The rule for companion channels. */
export interface CompanionRule {
  /** Whether there is a channel whose members are known. */
  readonly anyMembers: boolean
  /** Whether the members of a channel are known, so that it has a companion. */
  hasMembers (channel: string): boolean
}

const NO_COMPANIONS: CompanionRule = { anyMembers: false, hasMembers: () => false }

/** The names that channels may have. */
export class ChannelNames {
  /** @param files names of the files that are served beside the channels */
  constructor (private readonly files: Pick<ReadonlySet<string>, 'has'>, private readonly rules = NO_COMPANIONS) {}

  /**
   * Throws MSG_ERR_CHANNEL_INVALID or MSG_ERR_CHANNEL_RESERVED for a value that cannot name a channel to subscribe to. Besides those to
   * publish to there are the companions of channels whose members are known.
   */
  assertSubscribable (name: unknown): void {
    if (typeof name !== 'string' || !isCompanion(name)) { this.assert(name); return }
    const channel = channelOf(name)
    this.assert(channel)
    if (this.rules.hasMembers(channel)) return
    throw new ChannelReservedError(shown(name), `the members of ${shown(channel)}, which are not known: give it a rule with "presence": true`)
  }

  /** Throws MSG_ERR_CHANNEL_INVALID or MSG_ERR_CHANNEL_RESERVED for a value that cannot name a channel to publish to. */
  assert (name: unknown): void {
    if (typeof name === 'string' && isCompanion(name) && isChannelName(channelOf(name)))
      throw new ChannelReservedError(shown(name), `the members of ${shown(channelOf(name))}: it is written by the service alone`)
    if (typeof name !== 'string' || !isChannelName(name)) throw new ChannelInvalidError(shown(name))
    if (ASKED_EVERYWHERE.has(name)) {
      throw new ChannelReservedError(shown(name), 'a path that probes and browsers request from every server: ' +
        'choose another name; the state of this service is at /-/live and /-/ready')
    }
    if (this.files.has(name)) throw new ChannelReservedError(shown(name), 'the file of that name: choose another name')
  }
}
